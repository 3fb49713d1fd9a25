"""The watch: one thread that knows which application is active, and says up to when it knows.

It is told by the X server when the active window, its place, the layout or a screen lock changes,
and a few times a second it *beats*: it changes a property of a window of its own. The answer
carries the server's time, and everything that happened before it has been delivered by then, so
the board may be confirmed up to that time. A beat also makes the server hand out input events that
it holds back for the taps.

What else may close the gate (the employee's rules, a password field, another machine's user) is
asked at each beat, and at once when there is news of it. As long as a question to accessibility is
under way nothing is confirmed.
"""

import contextlib
import select
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from Xlib import X, Xatom

from deskbound_client.capture import idle
from deskbound_client.capture.display import connect
from deskbound_client.capture.gate import NOTHING_KNOWN, Context, worse
from deskbound_client.capture.keyboard import Keymap, make_keymap
from deskbound_client.capture.situation import Board, ServerClock
from deskbound_client.capture.surroundings import Surroundings
from deskbound_client.capture.windows import Look, XWindows

BEAT_SECONDS = 0.25
QUIET_BEAT_SECONDS = 1.0  # when nobody has touched anything for a while
_QUIET_MS = 5_000
_HELD_UP_MS = 3_000  # between two beats; a lock screen may come and go in it
_LOOK_AROUND_SECONDS = 5.0  # how long an old look at the other windows is believed


class Watch(threading.Thread):
    """Publishes contexts to a board until ``stop``, a fault or the end of the display.

    Args:
        display_name: the X display.
        board: where contexts go.
        clock: unwraps the server's times; shared with the taps.
        surroundings: knows the rules and what no window tells.
        looks_around: whether private windows beside the active one matter now.
        word: reads the control word.
        idle_seconds: seconds without input after which the person counts as away.
        on_focus: told when another window is active: server time and context.
        on_keymap: given the keyboard layout, at the start and whenever it changes.
        on_beat: called after each beat, in this thread.
    """

    def __init__(
        self,
        display_name: str,
        board: Board,
        clock: ServerClock,
        surroundings: Surroundings,
        *,
        word: Callable[[], int],
        idle_seconds: float,
        on_focus: Callable[[int, Context], None],
        on_keymap: Callable[[Keymap], None],
        on_beat: Callable[["Watch"], None] = lambda _: None,
        looks_around: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self.faults = 0
        self.ready = threading.Event()
        self._display_name = display_name
        self._board = board
        self._clock = clock
        self._surroundings = surroundings
        self._looks_around = looks_around
        self._word = word
        self._idle_ms = int(idle_seconds * 1000)
        self._on_focus, self._on_keymap, self._on_beat = on_focus, on_keymap, on_beat
        self._stopping = threading.Event()
        self._lockers: set[int] = set()
        self._changes: list[int] = []  # server times of changes not yet looked into
        self._look = Look(None)
        self._looked_around = float("-inf")
        self._has_moved = False
        self._unsure = False  # something came that cannot be told: nothing is known until a beat
        self._unlocked: set[int] = set()  # lockers that have left since the last sign of life
        self._heard_ms = -1  # server time of the last sign of life
        self._beaten_ms = -1  # of the last whole beat

    def run(self) -> None:
        """Watch; an exception ends the thread, is counted, and leaves nothing known."""
        connection: Any = None
        try:
            connection = connect(self._display_name)
            self._begin(connection)
            self.ready.set()
            while not self._stopping.is_set():
                presence = self._beat()
                self._on_beat(self)
                quiet = presence.idle_ms > _QUIET_MS
                self._wait(QUIET_BEAT_SECONDS if quiet else BEAT_SECONDS)
        except Exception:  # noqa: BLE001 - could quote what the server said
            self.faults += not self._stopping.is_set()
        finally:
            if not self._stopping.is_set():
                self._board.publish(NOTHING_KNOWN, self._board.confirmed_ms)
            self.ready.set()
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()

    def stop(self) -> None:
        """Leave nothing known at once, and end the thread within one beat."""
        self._stopping.set()
        # Done here and not by the thread, which may end after its successor has begun.
        self._board.publish(NOTHING_KNOWN, self._board.confirmed_ms)

    def beat(self) -> None:
        """Confirm the present moment; only for ``on_beat``."""
        self._beat()

    def covered(self) -> bool:
        """Whether something may lie over the active window; only for ``on_beat``."""
        active = self._board.current.number
        return self._windows.covered(active) or self._windows.exposed(active)

    def _begin(self, connection: Any) -> None:
        connection.set_error_handler(_nobody)
        self._connection = connection
        self._windows = XWindows(
            connection, self._surroundings.classifier, self._surroundings.titles
        )
        self._surroundings.begin(connection, self._display_name)
        self._root = connection.screen().root
        self._heart_atom = connection.intern_atom("_DESKBOUND_BEAT")
        self._heart = self._root.create_window(
            -1,
            -1,
            1,
            1,
            0,
            X.CopyFromParent,
            window_class=X.InputOnly,
            event_mask=X.PropertyChangeMask,
        )
        self._root.change_attributes(
            event_mask=X.PropertyChangeMask | X.SubstructureNotifyMask | X.StructureNotifyMask
        )
        self._can_tell_idle = idle.can_tell(connection)
        self._lockers = self._windows.lockers()
        self._read_keymap()
        self._beat()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        sources = [self._connection, *self._surroundings.sources]
        while not self._stopping.is_set():
            left = deadline - time.monotonic()
            ready = select.select(sources, [], [], max(left, 0))[0] if left > 0 else []
            if not ready or ready != [self._connection]:
                return
            self._drain()

    def _beat(self) -> idle.Presence:
        before, word = self._beaten_ms, self._word()
        changed = self._surroundings.refresh()  # after the word: see ``Surroundings``
        asking = self._surroundings.asking
        unsure, self._unsure = self._unsure, False
        presence = self._pulse()
        now = self._beaten_ms = self._heard_ms
        if changed:
            self._windows.use(self._surroundings.classifier, self._surroundings.titles)
            self._look_anew(replace(self._board.current, known=False), before)
        if before < now - _HELD_UP_MS or (unsure and not self._unsure):
            self._lockers |= self._windows.lockers()
            self._look_anew(NOTHING_KNOWN, before)
        self._drain()
        locked = (bool(self._lockers) or presence.saver_on) if self._can_tell_idle else None
        away = presence.idle_ms >= self._idle_ms if self._can_tell_idle else None
        self._renew(replace(self._board.current, locked=locked, idle=away), before)
        self._board.begin(word, now)  # read before the beat, so it held by then
        if not asking and not self._surroundings.asking:
            self._board.confirm(now)
        return presence

    def _renew(self, context: Context, before: int) -> None:
        """Publish what no window tells: bad news as of the last beat, good news as of now."""
        known = self._board.current
        context = self._surroundings.apply(context, self._look)
        context = replace(context, exposed=self._exposed(known))
        if context.private and not self._look.private:  # nobody will tell when it is not active
            self._windows.is_private(context.number)
        self._board.publish(worse(known, context), before + 1)
        self._board.publish(context, self._beaten_ms)

    def _exposed(self, known: Context) -> bool | None:
        """Whether a private window is visible; looked into only where that matters."""
        if not self._looks_around():
            return None
        now = time.monotonic()
        if now - self._looked_around < _LOOK_AROUND_SECONDS:
            return known.exposed
        self._looked_around = now
        return self._windows.exposed(known.number)

    def _look_anew(self, until_then: Context, before: int) -> None:
        """Know no more than this of the time since the last beat, and look at what is there now."""
        self._board.publish(until_then, before + 1)
        self._changes.append(self._beaten_ms)

    def _pulse(self) -> idle.Presence:
        """Ask for a sign of life: what time it is, after all that happened before."""
        self._heart.change_property(self._heart_atom, Xatom.STRING, 8, b"")
        if self._can_tell_idle:
            presence = idle.ask(self._connection)
        else:
            self._connection.sync()
            presence = idle.Presence(0, saver_on=False)
        self._take()
        return presence

    def _drain(self) -> None:
        """Take in all news; a window that was active for less than a look stays unknown.

        A title is told of from the look on that finds its window, and a look takes its time: so
        what it finds holds from the next sign of life on, and before that nothing is known.
        """
        self._take()
        while self._changes:
            first, last = min(self._changes), max(self._changes)
            self._changes.clear()
            before = self._board.current
            if last > first:
                self._board.publish(replace(before, known=False), first)
            context = self._describe(self._windows.active())
            if self._look.anew:
                self._pulse()
                self._changes.append(self._heard_ms)
            else:
                self._take()
            if self._changes:  # it changed again while we asked: nobody knows what was there
                self._changes.append(first)
                continue
            self._put_in_force(before, context, last)
        if self._has_moved:
            self._moved()

    def _take(self) -> None:
        while self._connection.pending_events():
            self._news(self._connection.next_event())

    def _news(self, event: Any) -> None:
        root, kind = int(self._root.id), event.type
        if kind == X.PropertyNotify and event.window.id == self._heart.id:
            self._heard_ms = self._clock.unwrap(event.time)
            self._lockers -= self._unlocked
            self._unlocked.clear()
        elif kind == X.PropertyNotify:
            self._property(int(event.window.id), int(event.atom), event.time)
        elif kind == X.MapNotify:
            self._looked_around = float("-inf")
            if event.override:
                self._covered_by(int(event.window.id))
        elif kind in (X.UnmapNotify, X.DestroyNotify):
            self._looked_around = float("-inf")
            self._unlocked.add(int(event.window.id))
            if kind == X.DestroyNotify:
                self._windows.gone(int(event.window.id))
        elif kind == X.ConfigureNotify and event.window.id in (root, self._windows.watched):
            self._has_moved = True
            if event.window.id == root:
                self._new_size()
        elif kind == X.MappingNotify:
            self._read_keymap()

    def _property(self, window: int, atom: int, time_: int) -> None:
        if window == int(self._root.id):
            if atom == self._windows.stacking_atom:
                self._looked_around = float("-inf")
            if atom != self._windows.active_atom:
                return
        elif window != self._windows.watched or atom not in self._windows.title_atoms:
            return
        self._changes.append(self._clock.unwrap(time_))

    def _new_size(self) -> None:
        """The whole screen has another size: until the next beat, no pixel has a sure cell."""
        self._know_nothing()

    def _covered_by(self, window: int) -> None:
        locks = self._windows.is_locker(window)
        if locks is None:  # it has come and gone: it may have been a lock screen
            self._know_nothing()
        elif locks:
            self._lockers.add(window)
            self._unlocked.discard(window)
            locked = replace(self._board.current, locked=True)
            self._board.publish(locked, self._heard_ms + 1)

    def _know_nothing(self) -> None:
        """Until the next beat, which also closes the time since the one before it."""
        self._unsure = True
        self._board.publish(replace(self._board.current, known=False), self._heard_ms + 1)

    def _moved(self) -> None:
        self._has_moved = False
        known = self._board.current
        if known.number:
            rectangle = self._windows.rectangle(known.number)
            moved = replace(known, window=rectangle, screen=self._windows.screen())
            self._board.publish(moved, self._heard_ms + 1)

    def _put_in_force(self, before: Context, context: Context, since_ms: int) -> None:
        context = replace(context, idle=before.idle, locked=bool(self._lockers) or before.locked)
        if self._unsure:
            context = replace(context, known=False)
        if context.number != before.number:
            self._surroundings.moved(context.number)
        context = self._surroundings.apply(context, self._look)
        self._board.publish(replace(context, exposed=before.exposed), since_ms)
        if context.known and context.number != before.number:
            self._on_focus(since_ms + 1, context)  # the first moment that is this window's alone

    def _describe(self, window: int) -> Context:
        screen = self._windows.screen()
        look = self._look = self._windows.look(window)
        if look.application is None:
            return replace(NOTHING_KNOWN, number=window, screen=screen)
        return Context(
            known=True,
            app=look.application.app,
            bucket=look.application.bucket,
            excluded=look.excluded,
            private=look.private,
            window=self._windows.rectangle(window),
            number=window,
            screen=screen,
        )

    def _read_keymap(self) -> None:
        info = self._connection.display.info
        first, last = info.min_keycode, info.max_keycode
        symbols = self._connection.get_keyboard_mapping(first, last - first + 1)
        modifiers = self._connection.get_modifier_mapping()
        self._on_keymap(make_keymap(first, symbols, modifiers))


def _nobody(*_: object) -> bool:
    return True  # errors about windows that are gone; python-xlib would print them
