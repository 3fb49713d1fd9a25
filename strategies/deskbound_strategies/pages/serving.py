"""A web server on a loopback address that tells nothing of itself and ends calmly.

Nothing of a request is ever logged, and an error's text goes nowhere.
"""

import asyncio
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from deskbound_strategies.errors import BusyError

_GOODBYE_SECONDS = 2
_TICK_SECONDS = 0.5
_CONNECTIONS = 64
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def listening(port: int = 0, host: str = "") -> Iterator[socket.socket]:
    """Listen on a loopback address.

    Args:
        port: 0 for any that is free.
        host: empty for an address that nobody else uses; cookies tell hosts apart, not ports.

    Raises:
        BusyError: when the port is taken.
    """
    with socket.socket() as found:
        try:
            if host:
                # A port that its last process has just left may be taken at once.
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                found.bind((host, port))
            else:
                _bind(found, port)
        except OSError:
            raise BusyError(
                f"Port {port} is taken.", "Choose another, or leave --port out."
            ) from None
        found.listen()
        yield found


def _bind(found: socket.socket, port: int) -> None:
    host = f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
    try:
        found.bind((host, port))
    except OSError:  # a system that has one loopback address only
        found.bind(("127.0.0.1", port))


def authority_of(listener: socket.socket) -> str:
    """Return ``host:port`` of a listening socket."""
    host, port = listener.getsockname()
    return f"{host}:{port}"


def calm_server(app: ASGIApp, http: type[asyncio.Protocol] | str = "h11") -> "CalmServer":
    """Return a server for an application; nothing is logged from now on.

    Args:
        app: what answers.
        http: the protocol of its connections.
    """
    logging.disable(logging.CRITICAL)  # libraries would log requests and the text of errors
    return CalmServer(
        uvicorn.Config(
            app,
            http=http,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
        )
    )


class CalmServer(uvicorn.Server):
    """Uvicorn, but a signal ends the visit calmly instead of being raised once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to the signals that end a visit; only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in _ENDINGS:
                loop.add_signal_handler(number, self.leave)
        yield

    def leave(self) -> None:
        """Answer what is under way, then end."""
        self.should_exit = True


async def serve_while(
    server: CalmServer,
    listener: socket.socket,
    goes_on: Callable[[], bool],
    ended: Callable[[], object] = lambda: None,
) -> None:
    """Serve until the visit is over, or nobody can tell whether it is.

    Args:
        server: from :func:`calm_server`.
        listener: where it serves.
        goes_on: asked twice a second; one that raises ends the visit like one that says no.
        ended: called in a thread once the visit is over, while the last answers are under way.
    """
    watching = asyncio.create_task(_watch(server, goes_on, ended))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()


async def _watch(
    server: CalmServer, goes_on: Callable[[], bool], ended: Callable[[], object]
) -> None:
    with suppress(Exception):  # its text might name a path, and has nowhere to go
        while goes_on():
            await asyncio.sleep(_TICK_SECONDS)
    server.leave()
    await asyncio.to_thread(ended)
