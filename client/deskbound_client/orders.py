"""What the agent allows a child at this moment; said through its standard input, a word a line.

Nothing is allowed that was not said: a child that begins has no leave to train yet.
"""

import threading

_SLOWEST = 64


class Orders:
    """The newest word of the agent; one thread takes it, any thread reads it."""

    def __init__(self) -> None:
        self._may_train = threading.Event()
        self.slowness = 1

    def take(self, line: str) -> None:
        """Take one line; whatever is no order changes nothing."""
        word, _, rest = line.partition(" ")
        match word:
            case "train":
                self._may_train.set()
            case "wait":
                self._may_train.clear()
            case "pace" if rest.isdecimal() and 1 <= int(rest) <= _SLOWEST:
                self.slowness = int(rest)

    def may_train(self) -> bool:
        """Return whether a round may be worked on."""
        return self._may_train.is_set()

    def pace(self) -> int:
        """Return how many times the usual time between two thumbnails is wanted."""
        return self.slowness
