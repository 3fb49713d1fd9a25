"""Looks whether the SuperLink answers: one TLS handshake, nothing sent in it.

It runs in a process of its own that is gone a moment later and never had a secret
(``worker probe``), and says one word of ``Finding``.
"""

import socket
import ssl

from deskbound_client.federation.join import Server
from deskbound_client.federation.supernode import Finding

TIMEOUT_SECONDS = 5.0


def probe(server: Server) -> Finding:
    """Try to reach the SuperLink with the pinned authority."""
    context = ssl.create_default_context(cadata=server.ca_pem)
    try:
        with (
            socket.create_connection((server.host, server.port), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=server.host),
        ):
            return Finding.REACHED
    except ssl.SSLCertVerificationError:
        return Finding.UNTRUSTED
    except (OSError, ValueError):
        return Finding.UNREACHABLE
