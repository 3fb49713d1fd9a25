"""A port for the runtime API, chosen by the executor before it is confined."""

import socket

from deskbound_client.federation.supernode import LOOPBACK

__all__ = ["LOOPBACK", "free_port"]


def free_port() -> int:
    """Return a port of loopback that is free at this moment."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])
