"""The process that sees data has no network: a second lock, inside Python.

A hook on Python's own audit events refuses every connection and name look-up that is not
loopback. It holds against our own mistakes and those of libraries that use Python's sockets, not
against hostile native code; the operating system's own means come on top where there are any
(docs/limitations.md).
"""

import ipaddress
import socket
import sys
from typing import Any

from deskbound_strategies.errors import PermissionsError

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_NAMING = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


def forbid_network() -> None:
    """Refuse from now on, in this process and for good, everything but loopback."""
    sys.addaudithook(_refuse_strangers)


def _refuse_strangers(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CONNECTING:
        allowed = is_local(arguments[0], arguments[1])
    elif event in _NAMING:
        allowed = is_loopback(arguments[0])
    else:
        return
    if not allowed:
        raise PermissionsError(
            "This process may not use the network.", "Please report this; nothing was sent."
        )


def is_local(sock: Any, address: Any) -> bool:
    """Return whether a socket's address stays on this machine."""
    if getattr(sock, "family", None) not in {socket.AF_INET, socket.AF_INET6}:
        return True  # a Unix socket: the display, the session bus
    if address is None:
        return True  # an already connected socket; connecting was checked
    return isinstance(address, tuple) and is_loopback(address[0])


def is_loopback(host: Any) -> bool:
    """Return whether a host, given as Python's socket functions take it, is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False
