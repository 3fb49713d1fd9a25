"""Which application is active: a category or a local number, and whether it may be looked at.

``WM_CLASS`` is asked for; a title only of a browser, or where the employee excludes titles. The
name lives inside ``Classifier.classify`` and the title inside ``XWindows.look``; both are gone when
these return.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from Xlib import X
from Xlib import error as xerror

from deskbound_client.capture.categories import ALWAYS_EXCLUDED, CATEGORY_OF
from deskbound_client.capture.gate import Rectangle
from deskbound_client.capture.private_windows import Family, family_of, private_by_title
from deskbound_client.capture.titles import TitleRules
from deskbound_strategies.vocabulary import APP_OTHER, APPS

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Application:
    """What may be known of a program.

    Attributes:
        app: index into ``APPS`` of its category.
        bucket: positive for a program without a category, else 0. Salted: the number means
            nothing on another laptop.
        excluded: whether nothing of it may be read.
        family: what tells a private window of it, where it is a browser.
    """

    app: int
    bucket: int
    excluded: bool
    family: Family = Family.NONE


@dataclass(frozen=True, slots=True)
class Look:
    """What may be known of a window.

    Attributes:
        application: of its program, None if it does not say what it is.
        excluded: by program or by title.
        private: it is a private window; None if its title does not tell.
        titled: whether another title may change any of this.
        pid: number of its process, 0 if it does not say.
        anew: its title may change this, and nobody was told of changes before this look: what it
            was a moment ago is not known.
    """

    application: Application | None
    excluded: bool = True
    private: bool | None = None
    titled: bool = False
    pid: int = 0
    anew: bool = False


class Classifier:
    """From a program's name to what may be known of it.

    Args:
        bucket_of: this laptop's salted number of a program's name (``Vault.app_bucket``).
        excluded: categories or patterns the employee excluded; lower or upper case.
    """

    def __init__(self, bucket_of: Callable[[str], int], excluded: tuple[str, ...] = ()) -> None:
        self._bucket_of = bucket_of
        self._patterns = tuple(pattern.lower() for pattern in (*excluded, *ALWAYS_EXCLUDED))

    def classify(self, instance: str, program: str) -> Application:
        """Return category, bucket and exclusion of a window's ``WM_CLASS`` pair."""
        names = (program.lower(), instance.lower())
        category = next((CATEGORY_OF[name] for name in names if name in CATEGORY_OF), "")
        family = family_of(names) if category in ("", "browser") else Family.NONE
        if family is not Family.NONE:
            category = "browser"
        elif category:
            family = Family.UNTOLD if category == "browser" else Family.NONE
        excluded = any(
            fnmatchcase(name, pattern)
            for name in (*names, category or "other")
            for pattern in self._patterns
            if name
        )
        if category:
            return Application(APPS.index(category), 0, excluded, family)
        return Application(APP_OTHER, self._bucket_of(names[0]), excluded)


class XWindows:
    """Asks the X server about windows; used by one thread.

    Args:
        connection: an open connection of its own.
        classifier: what turns names into categories.
        titles: which titles are excluded.
    """

    def __init__(
        self, connection: Any, classifier: Classifier, titles: TitleRules | None = None
    ) -> None:
        self._connection = connection
        self._classifier = classifier
        self._titles = titles or TitleRules()
        self._private: set[int] = set()  # windows that once turned out to be private
        self._root = connection.screen().root
        self._active_atom = connection.intern_atom("_NET_ACTIVE_WINDOW")
        self._stacking_atom = connection.intern_atom("_NET_CLIENT_LIST_STACKING")
        self._title_atoms = tuple(
            connection.intern_atom(name) for name in ("_NET_WM_NAME", "WM_NAME")
        )
        self._pid_atom = connection.intern_atom("_NET_WM_PID")
        self._applications: dict[int, Application] = {}
        self._pid = lru_cache(maxsize=_REMEMBERED)(self._ask_pid)
        self._watched = (0, X.NoEventMask)

    @property
    def active_atom(self) -> int:
        """The property of the root window that changes when another window becomes active."""
        return int(self._active_atom)

    @property
    def stacking_atom(self) -> int:
        """The property of the root window that changes when windows come, go or are raised."""
        return int(self._stacking_atom)

    @property
    def title_atoms(self) -> tuple[int, ...]:
        """The properties of a window that hold its title."""
        return self._title_atoms

    @property
    def watched(self) -> int:
        """The window whose changes are told: the last one looked at."""
        return self._watched[0]

    def use(self, classifier: Classifier, titles: TitleRules) -> None:
        """Follow other rules from now on."""
        self._classifier, self._titles = classifier, titles
        self.forget()

    def screen(self) -> tuple[int, int]:
        """Return width and height of the whole screen in pixels."""
        found = self._root.get_geometry()
        return int(found.width), int(found.height)

    def active(self) -> int:
        """Return the number of the active window, 0 if the window manager names none."""
        found = self._root.get_full_property(self._active_atom, X.AnyPropertyType)
        return int(found.value[0]) if found is not None and len(found.value) else 0

    def look(self, window: int) -> Look:
        """Return what may be known of a window, and be told when that changes.

        The title is read after being told of changes was asked for, so none is missed.
        """
        application = self._application(window) if window else None
        titled = application is not None and (
            bool(self._titles) or application.family in (Family.TITLED, Family.NAMED)
        )
        mask = X.StructureNotifyMask | (X.PropertyChangeMask if titled else 0)
        anew = self._watch(window, mask) and titled
        if application is None:
            return Look(None)
        title = self._title(window) if titled else None
        private = private_by_title(application.family, title)
        if window in self._private:
            private = True
        excluded = application.excluded or self._titles.exclude(title)
        return Look(application, excluded, private, titled, self._pid(window), anew)

    def is_private(self, window: int) -> None:
        """Take note that a window turned out to be private; it stays so until it is gone."""
        self._private.add(window)

    def exposed(self, active: int) -> bool:
        """Whether a private window is visible, or one at the active window that may be private."""
        found = self._root.get_full_property(self._stacking_atom, X.AnyPropertyType)
        if found is None:
            return True
        self._private &= set(found.value)
        mine = self.rectangle(active) if active else None
        others = (int(number) for number in found.value if int(number) != active)
        return any(self._shows_privacy(other, mine) for other in others)

    def _shows_privacy(self, window: int, mine: Rectangle | None) -> bool:
        application = self._application(window)
        if application is None or application.family is Family.NONE:
            return False
        private = private_by_title(application.family, self._title(window))
        if private is False and window not in self._private:
            return False
        place = self.rectangle(window)
        if place is None or not _overlap(place, (0, 0, *self.screen())):
            return False
        certain = private or window in self._private
        return certain or mine is None or _overlap(place, mine)

    def _title(self, window: int) -> str | None:
        resource = self._connection.create_resource_object("window", window)
        for atom in self._title_atoms:
            try:
                found = resource.get_full_property(atom, X.AnyPropertyType)
            except xerror.XError:
                return None
            if found is not None and isinstance(found.value, bytes) and found.value:
                return found.value.decode("utf-8", "replace")
        return None

    def _ask_pid(self, window: int) -> int:
        resource = self._connection.create_resource_object("window", window)
        try:
            found = resource.get_full_property(self._pid_atom, X.AnyPropertyType)
        except xerror.XError:
            return 0
        return int(found.value[0]) if found is not None and len(found.value) else 0

    def _application(self, window: int) -> Application | None:
        """Return what is known of a window's program; what is not known is asked again."""
        found = self._applications.get(window)
        if found is None:
            found = self._ask_application(window)
            if found is not None:
                if len(self._applications) >= _REMEMBERED:
                    self._applications.clear()
                self._applications[window] = found
        return found

    def _ask_application(self, window: int) -> Application | None:
        resource = self._connection.create_resource_object("window", window)
        try:
            names = resource.get_wm_class()
        except xerror.XError:
            return None
        return self._classifier.classify(*names) if names else None

    def forget(self) -> None:
        """Forget whose window is whose: the number of one that is gone may be given again."""
        self._applications.clear()
        self._pid.cache_clear()

    def gone(self, window: int) -> None:
        """Forget a window that is no more."""
        self._private.discard(window)
        self.forget()

    def _watch(self, window: int, mask: int) -> bool:
        """Be told of changes of a window and no longer of the one before; tell if that is new."""
        if self._watched == (window, mask):
            return False
        before = self._watched[0]
        for number, wanted in ((before, X.NoEventMask), (window, mask)):
            if number and (number, wanted) != (window, X.NoEventMask):
                resource = self._connection.create_resource_object("window", number)
                resource.change_attributes(event_mask=wanted, onerror=_nobody)
        self._watched = (window, mask)
        return True

    def rectangle(self, window: int) -> Rectangle | None:
        """Return where a window is on the screen, None if it is gone or not visible."""
        resource = self._connection.create_resource_object("window", window)
        try:
            if resource.get_attributes().map_state != X.IsViewable:
                return None
            size = resource.get_geometry()
            origin = resource.translate_coords(self._root, 0, 0)
        except xerror.XError:
            return None
        # python-xlib names the answer's fields from the source's point of view.
        return -int(origin.x), -int(origin.y), int(size.width), int(size.height)

    def lockers(self) -> set[int]:
        """Return the windows that look like a lock screen: see ``is_locker``."""
        return {int(w.id) for w in self._root.query_tree().children if self.is_locker(int(w.id))}

    def is_locker(self, window: int) -> bool | None:
        """Whether a window hides the screen from its window manager, as lock screens do.

        Such a window is visible, unmanaged (override-redirect) and large: at least a third of the
        whole screen each way, since there may be one for each of several monitors. None if it can
        no longer be told: the window is gone or no longer shown.
        """
        resource = self._connection.create_resource_object("window", window)
        try:
            found = resource.get_attributes()
            size = resource.get_geometry()
        except xerror.XError:
            return None
        if found.map_state != X.IsViewable:
            return None
        whole = self.screen()
        return bool(
            found.override_redirect
            and found.win_class == X.InputOutput
            and 3 * size.width >= whole[0]
            and 3 * size.height >= whole[1]
        )

    def covered(self, window: int) -> bool:
        """Whether any other window may lie over this one, or that cannot be told."""
        mine = self.rectangle(window)
        found = self._root.get_full_property(self._stacking_atom, X.AnyPropertyType)
        stack = [int(number) for number in found.value] if found is not None else []
        if mine is None or window not in stack:
            return True
        above = stack[stack.index(window) + 1 :]
        others = (self.rectangle(other) for other in above)
        return any(_overlap(mine, other) for other in others if other is not None)


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def _nobody(*_: object) -> bool:
    return True  # the window is gone; that is told by the next answer
