"""From observations to rows: judged a second time, encoded, and given their place. Pure."""

from dataclasses import dataclass

from deskbound_client.capture.gate import Context, Reason
from deskbound_client.capture.inbox import Picture, Seen
from deskbound_client.capture.signals import KEYS, POINTER, RHYTHM, WINDOWS
from deskbound_client.capture.situation import Board
from deskbound_client.store.rows import Stored, StoredAction, StoredThumb
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.observations import AppFocused, Observation, PointerPressed
from deskbound_strategies.vocabulary import (
    APP_OTHER,
    FAMILY,
    TOKENS,
    Action,
    Family,
    Kind,
    cell_at,
)

_STREAM_OF_FAMILY = {Family.KEY: KEYS, Family.CELL: POINTER, Family.NONE: POINTER}


@dataclass(frozen=True, slots=True)
class _Press:
    """Where the pointer was pressed: the screen cell, and the place inside the window."""

    cell: int
    place: tuple[int, int]


_NO_PRESS = _Press(-1, (-1, -1))


class RowMaker:
    """Encodes the observations of one generation of the gate.

    Args:
        board: knows the situation at any recent moment.
        word: the control word of this generation.
        streams: mask of the streams consented to.
        boot: number of the boot that monotonic times count from.
    """

    def __init__(self, board: Board, word: int, streams: int, boot: int) -> None:
        self._board, self._word, self._streams, self._boot = board, word, streams, boot
        self._encoder = Encoder(rhythm=bool(streams & RHYTHM))
        self._focused: int | None = None  # the window the encoder thinks is active
        self._bucket = 0
        self._presses = (_NO_PRESS, _NO_PRESS)
        self.closed = 0  # observations that the second look kept out

    def make(self, seen: Seen) -> list[Stored]:
        """Return the rows that an observation completes; none if it may not be read after all."""
        t_ms = seen.what.t_ms
        reason, context = self._board.judge(t_ms, self._word, self._streams, seen.stream)
        if reason is not Reason.OPEN:
            self.closed += 1
            return []
        if isinstance(seen.what, Picture):
            return self._picture(seen.what, seen, context)
        rows = self._arrive(t_ms, seen, context)
        if not isinstance(seen.what, AppFocused):
            rows += self._feed(seen.what, seen, context)
        return rows

    def settle(self, t_ms: int, seen: Seen) -> list[Stored]:
        """Return the open gesture if it can no longer grow at ``t_ms``."""
        return self._stored(self._encoder.settle(t_ms), seen, self._bucket)

    def finish(self, seen: Seen) -> list[Stored]:
        """Return what is still open; nothing may be fed afterwards."""
        return self._stored(self._encoder.flush(seen.at), seen, self._bucket)

    def _picture(self, picture: Picture, seen: Seen, context: Context) -> list[Stored]:
        if not self._board.steady(picture.t_ms):
            self.closed += 1
            return []
        app = context.app if self._streams & WINDOWS else APP_OTHER
        return [StoredThumb(picture.pixels, app, seen.at, seen.mono_s, self._boot)]

    def _arrive(self, t_ms: int, seen: Seen, context: Context) -> list[Stored]:
        """Tell the encoder which application this is, where that may be kept."""
        if not self._streams & WINDOWS or context.number == self._focused:
            return []
        self._focused = context.number
        rows = self._feed(AppFocused(t_ms, context.app), seen, context)
        self._bucket = context.bucket
        return rows

    def _feed(self, what: Observation, seen: Seen, context: Context) -> list[Stored]:
        if isinstance(what, PointerPressed):
            press = _Press(cell_at(what.x, what.y), context.place(what.x, what.y))
            self._presses = (press, self._presses[0])
        bucket = context.bucket if isinstance(what, AppFocused) else self._bucket
        return self._stored(self._encoder.feed(what, seen.at), seen, bucket)

    def _stored(self, actions: tuple[Action, ...], seen: Seen, bucket: int) -> list[Stored]:
        return [self._row(action, seen, bucket) for action in actions]

    def _row(self, action: Action, seen: Seen, bucket: int) -> StoredAction:
        token = TOKENS[action.token]
        family = FAMILY[token.kind]
        switch = token.kind is Kind.SWITCH
        place = self._place(token.argument) if family is Family.CELL else (-1, -1)
        return StoredAction(
            token=action.token,
            app=action.app,
            gap=action.gap,
            at=action.at,
            stream=WINDOWS if switch else _STREAM_OF_FAMILY[family],
            bucket=bucket if switch else self._bucket,
            fx=place[0],
            fy=place[1],
            # The clock that cannot be set back, at the time of the action.
            mono_s=max(seen.mono_s - max(seen.at - action.at, 0), 0),
            boot=self._boot,
        )

    def _place(self, cell: int) -> tuple[int, int]:
        # A click is told by a later observation, which may be the next press.
        return next((press.place for press in self._presses if press.cell == cell), (-1, -1))
