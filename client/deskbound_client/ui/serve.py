"""Serves the pages on a loopback address of their own until they are left, locked or ended.

Nothing of a request is ever logged, and an error's text goes nowhere.
"""

import asyncio
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from deskbound_client.ui.app import make_app
from deskbound_client.ui.desk import Desk
from deskbound_client.ui.letter import Letter
from deskbound_client.ui.peers import OwnUserProtocol
from deskbound_strategies.errors import BusyError

_TICK_SECONDS = 0.5
_GOODBYE_SECONDS = 2
_CONNECTIONS = 64
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def listening(port: int = 0) -> Iterator[socket.socket]:
    """Listen on a loopback address that nobody else uses; cookies tell hosts apart, not ports.

    Args:
        port: 0 for any that is free.

    Raises:
        BusyError: when the port is taken.
    """
    with socket.socket() as found:
        try:
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


def serve(desk: Desk, listener: socket.socket, letter: Letter | None = None) -> None:
    """Serve the pages; when this returns the vault is closed.

    Ends when the employee locks the pages, when nobody asks for anything long enough, when the
    vault is erased, and on Ctrl-C, SIGTERM or a terminal that goes away.

    Args:
        desk: with the open vault.
        listener: where the pages are served.
        letter: taken away in time.
    """
    logging.disable(logging.CRITICAL)  # libraries would log requests and the text of errors
    server = _Server(
        uvicorn.Config(
            make_app(desk),
            http=OwnUserProtocol,
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
    try:
        asyncio.run(_until_locked(server, desk, listener, letter))
    finally:
        desk.lock()
        if letter is not None:
            letter.burn()


async def _until_locked(
    server: "_Server", desk: Desk, listener: socket.socket, letter: Letter | None
) -> None:
    watching = asyncio.create_task(_watch(server, desk, letter))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()


async def _watch(server: "_Server", desk: Desk, letter: Letter | None) -> None:
    while not (desk.locked or desk.homeless) and desk.seconds_left > 0:
        if letter is not None:
            letter.tidy()
        await asyncio.sleep(_TICK_SECONDS)
    server.leave()
    await asyncio.to_thread(desk.lock)  # a page that is being made has its time to end


class _Server(uvicorn.Server):
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
