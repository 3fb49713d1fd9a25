"""What the situation was at any recent moment, by the X server's own clock.

An event may reach us before the news that the window changed, and news travels later than keys. So
each observation is judged twice: in the callback by the newest context, and, before it is encoded,
by the contexts that were in force at its time and shortly after. Until the watch has confirmed that
it knows everything up to then, it waits; what cannot be confirmed is dropped.
"""

from deskbound_client.capture.gate import NOTHING_KNOWN, Context, Reason, hides, verdict

GUARD_MS = 250  # a change to something that must not be seen closes this long before it, too
_REMEMBERED = 256
_ROUND = 1 << 32  # the server's clock starts anew after 49.7 days


class ServerClock:
    """Makes the X server's 32-bit milliseconds into a number that never starts anew."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, time: int) -> int:
        """Return the milliseconds of a server time within 24 days of the newest one seen."""
        last = self._last
        if last is None:
            self._last = time
            return time
        step = (time - last) % _ROUND
        if step >= _ROUND // 2:
            return last + step - _ROUND
        self._last = last + step
        return last + step


class Board:
    """The contexts of the last while; written by one thread, read by any.

    The history is an immutable tuple that is replaced as a whole, so readers need no lock.
    """

    def __init__(self) -> None:
        self._history: tuple[tuple[int, Context], ...] = ()
        self._current = NOTHING_KNOWN
        self._confirmed_ms = -1
        self._began: tuple[int, int] = (-1, 0)

    @property
    def current(self) -> Context:
        """The newest context."""
        return self._current

    @property
    def confirmed_ms(self) -> int:
        """Server time up to which every change is known; -1 before the first confirmation."""
        return self._confirmed_ms

    def publish(self, context: Context, since_ms: int) -> None:
        """Put a context in force from ``since_ms`` on; an unchanged one is ignored."""
        if context == self._current and self._history:
            return
        self._current = context
        if self._history:
            since_ms = max(since_ms, self._history[-1][0])
        self._history = (*self._history[1 - _REMEMBERED :], (since_ms, context))

    def confirm(self, t_ms: int) -> None:
        """State that every change up to ``t_ms`` has been published."""
        self._confirmed_ms = max(self._confirmed_ms, t_ms)

    def begin(self, word: int, t_ms: int) -> None:
        """State that the control word was ``word`` at ``t_ms``; an unchanged one is ignored.

        An event made during a pause may be delivered after it. Its time tells: it is older than
        the first moment at which the word was seen to be the one of now.
        """
        if self._began[0] != word:
            self._began = (word, t_ms)

    def settled(self, t_ms: int) -> bool:
        """Whether the verdict about a moment can no longer change."""
        return t_ms + GUARD_MS <= self._confirmed_ms

    def judge(self, t_ms: int, word: int, streams: int, stream: int) -> tuple[Reason, Context]:
        """Return the verdict for a moment, and the context it happened in."""
        began = self._began
        if began[0] != word or t_ms < began[1]:
            return Reason.PAUSED, NOTHING_KNOWN
        newest: Context | None = None
        for since, candidate in reversed(self._history):
            if since > t_ms:
                hidden = hides(candidate, stream) if since <= t_ms + GUARD_MS else None
                if hidden is not None:
                    return hidden, candidate
                continue
            newest = newest or candidate
            reason = verdict(word, streams, stream, candidate)
            # Of a change within the same millisecond nobody knows which came first.
            if reason is not Reason.OPEN or since < t_ms:
                return reason, newest
        context = newest or NOTHING_KNOWN
        return verdict(word, streams, stream, context), context

    def steady(self, t_ms: int) -> bool:
        """Whether one context alone was in force from ``t_ms`` until shortly after."""
        return not any(t_ms < since <= t_ms + GUARD_MS for since, _ in self._history)
