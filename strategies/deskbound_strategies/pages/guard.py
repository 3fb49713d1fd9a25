"""The guard before every page: right host, right origin, right person, small enough.

A browser is a deputy that strangers can give orders to. So every request must name our own
address and port (a rebound name does not), must come from our own pages (the browser says so) or
from nowhere, must show the cookie of somebody who came in, and a deed must also carry the mark of
our forms. What fails is told nothing but how to come in. Every answer forbids the browser to load,
frame, cache or run anything that is not ours.
"""

from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, ImmutableMultiDict, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "deskbound"
FORM = "deskbound.form"  # where in a scope the guard leaves the form it has read
LIVE = "/live/"
BODY_BYTES = 64 * 1024
FIELDS = 1_000
_FORM_TYPE = "application/x-www-form-urlencoded"
STATIC = Path(__file__).parent / "static"
_ENTER = "/enter"

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": browsers then call the origin of our own forms null.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), clipboard-read=()",
    "cache-control": "no-store",
}


class House(Protocol):
    """Whose pages are guarded: it knows who came in."""

    @property
    def authority(self) -> str:
        """``host:port`` that the pages are reached at, and no other."""
        ...

    def knows(self, scope: Scope, cookie: str) -> bool:
        """Return whether a request's cookie is that of somebody who came in."""
        ...

    def is_ours(self, scope: Scope, csrf: str) -> bool:
        """Return whether a form carries the mark of the forms that this visitor was given."""
        ...

    def touch(self) -> None:
        """Note that somebody asked for something just now."""
        ...

    def ask(self, scope: Scope) -> Response:
        """Return the answer to somebody who is not in."""
        ...


def static_files(*folders: Path) -> frozenset[str]:
    """Return the paths of the files in these folders, each by its name.

    Only those are open to all: an error page carries the mark of our forms, and is for nobody else.
    """
    return frozenset(f"/static/{file.name}" for folder in folders for file in folder.iterdir())


class Guard:
    """ASGI middleware around all pages.

    Args:
        app: what is guarded.
        house: whose address and visitors count.
        open_to_all: paths that are read without a cookie, from wherever.
    """

    def __init__(self, app: ASGIApp, house: House, open_to_all: Collection[str]) -> None:
        self._app = app
        self._house = house
        self._open_to_all = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it here."""
        if scope["type"] != "http":
            return
        sender = _Sender(send)
        try:
            refused = await self._refusal(scope, receive)
            if refused is None:
                await self._app(scope, receive, sender)
            else:
                await refused(scope, receive, sender)
        except Exception:  # noqa: BLE001 - an exception's own text could carry what is stored
            if not sender.started:
                answer = PlainTextResponse("Something broke inside Deskbound: internal.", 500)
                await answer(scope, receive, sender)

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the answer to a request that may not pass; None lets it through."""
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if headers.getlist("host") != [self._house.authority]:
            return _plain("These pages have another address.", 421)
        if not self._comes_from_us(headers, method, path):
            return _plain("These pages answer only to themselves.", 403)
        if path in self._open_to_all:
            return None if method in {"GET", "HEAD"} else _plain("Not here.", 405)
        enters = path == _ENTER and method == "POST"
        if not enters and not self._house.knows(scope, _cookie(headers)):
            return self._house.ask(scope)
        if method not in {"GET", "HEAD"} and (bad := await self._read_form(scope, receive)):
            return bad
        if not enters and not path.startswith(LIVE):
            self._house.touch()
        return None

    def _comes_from_us(self, headers: Headers, method: str, path: str) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if path == _ENTER and method == "POST":
            return origin in {None, "null", f"http://{self._house.authority}"}
        if site not in {None, "none", "same-origin"}:
            return False
        if origin is not None:
            return origin == f"http://{self._house.authority}"
        return method in {"GET", "HEAD"} or site == "same-origin"

    async def _read_form(self, scope: Scope, receive: Receive) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
            return _plain("Only plain forms are read here.", 415)
        body = await _body(receive)
        if body is None:
            return _plain("That is more than any form of ours holds.", 413)
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
            )
        except ValueError:
            return _plain("That is no form of ours.", 400)
        form = ImmutableMultiDict(pairs)
        if scope["path"] != _ENTER and not self._house.is_ours(scope, form.get("csrf", "")):
            return _plain("That form is not from these pages.", 403)
        scope[FORM] = form
        return None


class _Sender:
    """Passes an answer on, with our headers on it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await self._send(message)


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, None where it is too long or breaks off."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie("; ".join(headers.getlist("cookie"))).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status)
