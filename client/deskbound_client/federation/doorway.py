"""HTTP over connections that somebody else makes: for a process that may not connect anywhere.

httpx asks httpcore for its connections, and httpcore takes them from whatever backend it is given;
here from a function that hands over connected sockets. Where httpx wants to connect to plays no
part, so neither a redirect nor a proxy leads elsewhere.
"""

import select
from collections.abc import Callable, Iterable
from socket import socket
from typing import Any

import httpcore
import httpx

from deskbound_strategies.errors import UnreachableError

_SECONDS = 30.0  # as Flower's own client


class _Stream(httpcore.NetworkStream):
    """One connected socket, as httpcore wants it."""

    def __init__(self, made: socket) -> None:
        self._socket = made

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        except OSError:
            raise httpcore.ReadError from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall(buffer)
        except TimeoutError:
            raise httpcore.WriteTimeout from None
        except OSError:
            raise httpcore.WriteError from None

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":  # how httpcore asks whether the other side has hung up
            return None
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))


class _Backend(httpcore.NetworkBackend):
    def __init__(self, dial: Callable[[], socket]) -> None:
        self._dial = dial

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - there is one place, and the dialler knows it
        port: int,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        try:
            return _Stream(self._dial())
        except UnreachableError:
            raise httpcore.ConnectError from None


def through(dial: Callable[[], socket]) -> httpx.Client:
    """Return a client all of whose connections come from ``dial``.

    Args:
        dial: returns a connected socket, or raises ``UnreachableError``.
    """
    transport = httpx.HTTPTransport(verify=False, trust_env=False)
    transport.close()
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001 - httpx offers no way to name a backend
        network_backend=_Backend(dial), keepalive_expiry=5.0
    )
    return httpx.Client(transport=transport, timeout=_SECONDS, trust_env=False)
