"""Who is at the other end of a connection on this machine: which of its users.

Any user of a machine may connect to its loopback addresses, and cookies know hosts but no ports:
whoever listens beside us on the same address can be shown ours. So a cookie alone is not trusted:
the system says to which user the other end belongs.
"""

import asyncio
import os
import socket
import struct
from pathlib import Path

from uvicorn.protocols.http.h11_impl import H11Protocol

_TABLE = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _UID, _INODE = 1, 2, 7, 9  # columns

Address = tuple[str, int]


class OwnUserProtocol(H11Protocol):
    """HTTP for the user who runs this process; for everybody else the line is dead."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or hang up before a byte is read."""
        peer, here = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        if is_ours(peer, here):
            super().connection_made(transport)
        else:
            transport.set_protocol(asyncio.Protocol())
            transport.abort()


def can_tell() -> bool:
    """Return whether this system says to whom a connection belongs."""
    return _TABLE.exists()


def is_ours(peer: Address, here: Address) -> bool:
    """Return whether the far end of a connection belongs to the user of this process.

    Where the system cannot tell, everybody on this machine is taken for that user
    (docs/limitations.md).

    Args:
        peer: address of the far end.
        here: address of our end.
    """
    return not can_tell() or owner_of(peer, here) == os.getuid()


def owner_of(peer: Address, here: Address) -> int | None:
    """Return the number of the user whom the far end of a connection belongs to.

    None where the system cannot tell, and for an end that was closed already: it belongs to nobody.

    Args:
        peer: address of the far end.
        here: address of our end.
    """
    if not can_tell():
        return None
    wanted = _hex(peer), _hex(here)
    for line in _TABLE.read_text("ascii").splitlines()[1:]:
        columns = line.split()
        if (columns[_LOCAL], columns[_REMOTE]) == wanted:
            return int(columns[_UID]) if columns[_INODE] != "0" else None
    return None


def _hex(address: Address) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
