"""Which application is active: a category or a local number, and whether it is excluded.

Only ``WM_CLASS`` is asked for, never a title. The name lives inside ``Classifier.classify`` and is
gone when it returns.
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
from deskbound_strategies.vocabulary import APP_OTHER, APPS


@dataclass(frozen=True, slots=True)
class Application:
    """What may be known of a program.

    Attributes:
        app: index into ``APPS`` of its category.
        bucket: positive for a program without a category, else 0. Salted: the number means
            nothing on another laptop.
        excluded: whether nothing of it may be read.
    """

    app: int
    bucket: int
    excluded: bool


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
        excluded = any(
            fnmatchcase(name, pattern)
            for name in (*names, category)
            for pattern in self._patterns
            if name
        )
        if category:
            return Application(APPS.index(category), 0, excluded)
        return Application(APP_OTHER, self._bucket_of(names[0]), excluded)


class XWindows:
    """Asks the X server about windows; used by one thread.

    Args:
        connection: an open connection of its own.
        classifier: what turns names into categories.
    """

    def __init__(self, connection: Any, classifier: Classifier) -> None:
        self._connection = connection
        self._classifier = classifier
        self._root = connection.screen().root
        self._active_atom = connection.intern_atom("_NET_ACTIVE_WINDOW")
        self._stacking_atom = connection.intern_atom("_NET_CLIENT_LIST_STACKING")
        self._application = lru_cache(maxsize=256)(self._ask_application)
        self._watched = 0

    @property
    def active_atom(self) -> int:
        """The property of the root window that changes when another window becomes active."""
        return int(self._active_atom)

    def screen(self) -> tuple[int, int]:
        """Return width and height of the whole screen in pixels."""
        found = self._root.get_geometry()
        return int(found.width), int(found.height)

    def active(self) -> int:
        """Return the number of the active window, 0 if the window manager names none."""
        found = self._root.get_full_property(self._active_atom, X.AnyPropertyType)
        return int(found.value[0]) if found is not None and len(found.value) else 0

    def application(self, window: int) -> Application | None:
        """Return what may be known of a window's program, None if it does not say what it is."""
        return self._application(window)

    def _ask_application(self, window: int) -> Application | None:
        resource = self._connection.create_resource_object("window", window)
        try:
            names = resource.get_wm_class()
        except xerror.XError:
            return None
        return self._classifier.classify(*names) if names else None

    def forget(self) -> None:
        """Forget whose window is whose: the number of one that is gone may be given again."""
        self._application.cache_clear()

    def watch(self, window: int) -> None:
        """Be told when a window moves or goes; stop being told about the one before."""
        for number, mask in ((self._watched, X.NoEventMask), (window, X.StructureNotifyMask)):
            if number:
                resource = self._connection.create_resource_object("window", number)
                resource.change_attributes(event_mask=mask, onerror=_nobody)
        self._watched = window

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

    def is_locker(self, window: int) -> bool:
        """Whether a window hides the screen from its window manager, as lock screens do.

        Such a window is visible, unmanaged (override-redirect) and large: at least a third of the
        whole screen each way, since there may be one for each of several monitors.
        """
        resource = self._connection.create_resource_object("window", window)
        try:
            found = resource.get_attributes()
            size = resource.get_geometry()
        except xerror.XError:
            return False
        whole = self.screen()
        return bool(
            found.map_state == X.IsViewable
            and found.override_redirect
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
