"""Requests that no client would make."""

import socket
from contextlib import closing


def exchange(authority: str, request: str) -> bytes:
    """Send a request as it is, and return all that comes back.

    Args:
        authority: ``host:port``.
        request: with plain line ends.
    """
    host, port = authority.split(":")
    with closing(socket.socket()) as line:
        line.settimeout(10)
        line.connect((host, int(port)))
        found = b""
        try:
            line.sendall(request.replace("\n", "\r\n").encode())
            while part := line.recv(65_536):
                found += part
        except ConnectionError:
            pass
        return found
