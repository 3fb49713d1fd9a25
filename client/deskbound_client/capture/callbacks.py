"""What runs inside the taps: control word, gate, closed value, queue; in this order."""

from deskbound_client.capture.control import Control
from deskbound_client.capture.gate import Reason, verdict
from deskbound_client.capture.inbox import Inbox
from deskbound_client.capture.keyboard import KeyDecoder, Keymap
from deskbound_client.capture.pointer import decode_pointer
from deskbound_client.capture.record import InputEvent
from deskbound_client.capture.signals import KEYS, POINTER
from deskbound_client.capture.situation import Board, ServerClock


class KeyCallback:
    """Receives key events of one tap."""

    def __init__(self, control: Control, board: Board, clock: ServerClock, inbox: Inbox) -> None:
        self._control, self._board, self._clock, self._inbox = control, board, clock, inbox
        self._decoder = KeyDecoder(Keymap())
        self._word = -1

    def set_keymap(self, keymap: Keymap) -> None:
        """Use another keyboard layout from now on."""
        self._decoder.keymap = keymap

    def __call__(self, event: InputEvent) -> None:
        """Queue what the event means, if the gate is open."""
        word = self._control.word()
        if word & 1:
            return
        if word != self._word:
            self._word = word
            self._decoder.forget()
        reason = verdict(word, self._control.streams, KEYS, self._board.current)
        if reason is not Reason.OPEN:
            self._decoder.forget()
            return
        t_ms = self._clock.unwrap(event.time)
        pressed = self._decoder.decode(event.kind, event.code, event.state, t_ms)
        if pressed is not None:
            self._inbox.put(pressed, KEYS, word >> 1)


class PointerCallback:
    """Receives button and wheel events of one tap."""

    def __init__(self, control: Control, board: Board, clock: ServerClock, inbox: Inbox) -> None:
        self._control, self._board, self._clock, self._inbox = control, board, clock, inbox

    def __call__(self, event: InputEvent) -> None:
        """Queue what the event means, if the gate is open."""
        word = self._control.word()
        if word & 1:
            return
        context = self._board.current
        if verdict(word, self._control.streams, POINTER, context) is not Reason.OPEN:
            return
        t_ms = self._clock.unwrap(event.time)
        position = (event.x, event.y)
        seen = decode_pointer(event.kind, event.code, position, context.screen, t_ms)
        if seen is not None:
            self._inbox.put(seen, POINTER, word >> 1)
