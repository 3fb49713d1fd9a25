"""What may reach the SuperLink from outside: the fleet's calls, of limited size, and no others.

Flower 1.41 serves three interfaces on one port. Only one is for laptops. The control interface
(start a run, enroll a laptop) asks nobody for credentials, and starting a run means running code;
the runtime interface serves processes on this machine; bodies of any size are read into memory
before a laptop's signature is checked. This gate stands in front of all of that.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from deskbound_server.recall import KEY_HEADER, Recall

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

TOKEN_HEADER = "deskbound-control-token"  # noqa: S105 - the name of a header
LOG_PREFIX = "/deskbound/log/"
MAX_BODY_BYTES = 66 * 1024 * 1024  # the largest message of our wire format, and its envelope


@dataclass(frozen=True, slots=True)
class Knock:
    """What the gate looks at of a request.

    Attributes:
        path: of the URL.
        peer: address it comes from.
        token: what it shows for a control token, or None.
        length: of its body as declared, or None.
    """

    path: str
    peer: str
    token: str | None
    length: int | None


def judge(knock: Knock, token: str) -> HTTPStatus | None:
    """Return why a request is turned away, or None to let it through.

    Args:
        knock: the request.
        token: the control token of this server.
    """
    if knock.length is None:
        return HTTPStatus.LENGTH_REQUIRED
    if not 0 <= knock.length <= MAX_BODY_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if knock.path == "/health" or knock.path.startswith(("/v1/fleet/", LOG_PREFIX)):
        return None
    shown = (knock.token or "").encode("utf-8")
    knows = hmac.compare_digest(shown, token.encode("utf-8"))
    runtime, control = (knock.path.startswith(f"/v1/{name}/") for name in ("runtime", "control"))
    inside = _is_local(knock.peer) and (runtime or (control and knows))
    return None if inside else HTTPStatus.FORBIDDEN


class Gate:
    """ASGI middleware that carries out ``judge``, and hands what is for the log to the log.

    Args:
        app: Flower's.
        token: of the control interface.
        log: answers witnesses; it asks for a token of its own.
        recall: lets laptops sign in anew when that was asked for.
    """

    def __init__(self, app: App, token: str, log: App, recall: Recall | None = None) -> None:
        self._app = app
        self._recall = recall
        self._token = token
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer with a status and nothing else."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = HTTPStatus.FORBIDDEN
        if scope["type"] == "http":
            verdict = judge(_knock(scope), self._token)
            if verdict is None and self._recall is not None:
                key = dict(scope["headers"]).get(KEY_HEADER)
                verdict = self._recall.verdict(str(scope["path"]), key)
            if verdict is None:
                ours = str(scope["path"]).startswith(LOG_PREFIX)
                await (self._log if ours else self._app)(scope, receive, send)
                return
            refusal = verdict
        await _turn_away(send, refusal)


def _knock(scope: Scope) -> Knock:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    # A body in chunks has no length, whatever a header beside them declares.
    chunked = b"transfer-encoding" in headers
    declared = None if chunked else headers.get(b"content-length")
    empty = scope["method"] in {"GET", "HEAD"} and not chunked
    length = int(declared) if declared is not None and declared.isdigit() else None
    shown = headers.get(TOKEN_HEADER.encode("ascii"))
    return Knock(
        path=str(scope["path"]),
        peer=str((scope.get("client") or ("", 0))[0]),
        token=None if shown is None else shown.decode("latin-1"),
        length=0 if length is None and empty else length,
    )


async def _turn_away(send: Send, status: HTTPStatus) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _is_local(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
