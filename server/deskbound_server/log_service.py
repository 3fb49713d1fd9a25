"""The log as witnesses reach it: on the SuperLink's port, under its certificate, with a token.

    GET  /deskbound/log/checkpoint              the largest signed head
    GET  /deskbound/log/entries?begin=17        leaves from there on, one a line
    POST /deskbound/log/cosignature             a head with a witness's line; 409 if it is not ours

There is a token because the log tells, under pseudonyms, who took part in which round. Whoever has
it can read; a cosignature counts only from a key that the operator added.
"""

import hmac
import threading
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deskbound_server.database import Database
from deskbound_server.gate import LOG_PREFIX as PREFIX
from deskbound_server.home import ServerHome
from deskbound_server.log import read_witnesses
from deskbound_strategies.errors import DeskboundError, VerificationError
from deskbound_strategies.note import MAX_NOTE_BYTES, Note

ENTRIES_AT_ONCE = 1_000
MOST_BYTES_AT_ONCE = 16 * 1024 * 1024
TOKEN_HEADER = "deskbound-witness-token"  # noqa: S105 - the name of a header


class LogService:
    """Answers witnesses.

    Args:
        home: of the server.
    """

    def __init__(self, home: ServerHome) -> None:
        self._home = home
        self._database = Database.open(home.database)
        self._one_at_a_time = threading.Lock()  # two witnesses at once, and one line would be lost
        self.app = Starlette(
            routes=[
                Route(PREFIX + "checkpoint", self._checkpoint, methods=["GET"]),
                Route(PREFIX + "entries", self._entries, methods=["GET"]),
                Route(PREFIX + "cosignature", self._cosignature, methods=["POST"]),
            ]
        )

    def _knows(self, request: Request) -> bool:
        shown = request.headers.get(TOKEN_HEADER, "").encode("latin-1")
        try:
            token = self._home.witness_token.read_bytes()
        except OSError:
            return False
        return bool(token) and hmac.compare_digest(shown, token)

    async def _checkpoint(self, request: Request) -> Response:
        if not self._knows(request):
            return _status(HTTPStatus.FORBIDDEN)
        note = await run_in_threadpool(self._database.checkpoint)
        return _status(HTTPStatus.NOT_FOUND) if note is None else PlainTextResponse(note)

    async def _entries(self, request: Request) -> Response:
        begin = request.query_params.get("begin", "")
        if not self._knows(request):
            return _status(HTTPStatus.FORBIDDEN)
        if not begin.isdecimal() or len(begin) > 18:
            return _status(HTTPStatus.BAD_REQUEST)
        leaves = await run_in_threadpool(
            self._database.leaves, int(begin), ENTRIES_AT_ONCE, MOST_BYTES_AT_ONCE
        )
        return PlainTextResponse(b"".join(leaf + b"\n" for leaf in leaves))

    async def _cosignature(self, request: Request) -> Response:
        if not self._knows(request):
            return _status(HTTPStatus.FORBIDDEN)
        declared = request.headers.get("content-length", "")
        if not declared.isdecimal() or len(declared) > 18 or int(declared) > MAX_NOTE_BYTES:
            return _status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            return _status(await run_in_threadpool(self._take, await request.body()))
        except DeskboundError:
            return _status(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _take(self, body: bytes) -> HTTPStatus:
        with self._one_at_a_time:
            return self._take_next(body)

    def _take_next(self, body: bytes) -> HTTPStatus:
        """Add the cosignatures of known witnesses to the head that they are for."""
        try:
            shown = Note.parse(body)
            size = int(shown.text.split("\n")[1])
        except (VerificationError, ValueError, IndexError):
            return HTTPStatus.BAD_REQUEST
        stored = self._database.checkpoint(size) if 0 <= size < 2**63 else None
        if stored is None or Note.parse(stored).text != shown.text:
            return HTTPStatus.CONFLICT
        known = read_witnesses(self._home.witnesses)
        try:
            names = {(one.name, one.key_id) for one in known if shown.is_signed_by(one)}
        except VerificationError:
            return HTTPStatus.FORBIDDEN
        lines = [line for line in shown.signatures if (line[0], line[1][:4]) in names]
        if not lines:
            return HTTPStatus.FORBIDDEN
        both = Note.parse(stored).with_signatures(lines)
        self._database.keep_checkpoint(size, both.to_bytes())
        return HTTPStatus.NO_CONTENT


def _status(status: HTTPStatus) -> Response:
    return Response(status_code=status.value)
