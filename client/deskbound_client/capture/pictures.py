"""When a thumbnail is taken: the gate is open, the window is uncovered, nothing changed meanwhile.

A picture is taken between two beats of the watch. If the second one finds the same situation as
the first, the window was active all the while; otherwise the picture is thrown away. While pictures
stay the same they are not kept, and are taken less and less often; so they are where each costs
much, and when the governor says that capture uses too much.
"""

import time
from collections.abc import Callable

from deskbound_client.capture.control import Control
from deskbound_client.capture.gate import Reason, Rectangle, verdict
from deskbound_client.capture.inbox import Inbox, Picture
from deskbound_client.capture.signals import SCREEN
from deskbound_client.capture.situation import Board
from deskbound_client.capture.watch import Watch

_SLOWEST = 8  # times the period, when nothing changes
_RETRY_SECONDS = 1.0  # after an attempt that the situation spoilt
_MOST_SHARE = 0.005  # of this thread's time on one core, whatever a picture costs


class Pictures:
    """Called after each beat of the watch, in its thread.

    Args:
        take: makes the thumbnail of a window, or None.
        period: shortest time between two pictures, seconds.
        pace: times the usual period that is wanted now.
        clock: monotonic seconds.
        worked: CPU seconds of this thread.
    """

    def __init__(
        self,
        control: Control,
        board: Board,
        inbox: Inbox,
        take: Callable[[Rectangle], bytes | None],
        *,
        period: float,
        pace: Callable[[], int] = lambda: 1,
        clock: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
    ) -> None:
        self._control, self._board, self._inbox, self._take = control, board, inbox, take
        self._period, self._pace, self._clock, self._worked = period, pace, clock, worked
        self._slowness = 1
        self._next = clock()
        self._last = b""

    def __call__(self, watch: Watch) -> None:
        """Take a picture if it is time and may be."""
        word = self._control.word()
        before = self._board.current
        now = self._clock()
        if now < self._next or before.window is None:
            return
        if verdict(word, self._control.streams, SCREEN, before) is not Reason.OPEN:
            return
        self._next = now + min(_RETRY_SECONDS, self._period)
        if watch.covered():
            return
        began = self._worked()
        pixels = self._take(before.window)
        cost = self._worked() - began
        watch.beat()
        if pixels is None or self._board.current is not before or self._control.word() != word:
            return
        usual = self._period * self._slowness * self._pace()
        self._next = now + max(usual, cost / _MOST_SHARE)
        if pixels == self._last:
            self._slowness = min(2 * self._slowness, _SLOWEST)
            return
        self._slowness, self._last = 1, pixels
        self._inbox.put(Picture(self._board.confirmed_ms, pixels), SCREEN, word >> 1)
