"""A wire-tap with the server's own key: ends TLS, writes down what passes, and passes it on.

Only a test can do this: it owns the authority that the laptop pinned.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from deskbound_server.home import ServerHome


@dataclass
class Tape:
    """What was said, connection by connection."""

    port: int = 0
    said: list[bytearray] = field(default_factory=list)

    def requests(self) -> list[tuple[str, bytes]]:
        """Path and body of every HTTP request of the laptop, in order of connection."""
        return [request for one in self.said for request in _requests(bytes(one))]


def _requests(data: bytes) -> Iterator[tuple[str, bytes]]:
    while data:
        head, between, rest = data.partition(b"\r\n\r\n")
        assert between, "half a request"
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        assert "transfer-encoding" not in headers
        length = int(headers.get("content-length", "0"))
        yield lines[0].split(" ")[1], rest[:length]
        data = rest[length:]


@contextmanager
def recording(home: ServerHome) -> Iterator[Tape]:
    """Listen on a port of loopback in front of a SuperLink."""
    inwards = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inwards.load_cert_chain(home.tls_certificate, home.tls_key)
    onwards = ssl.create_default_context(cafile=str(home.ca_certificate))
    listener = socket.create_server(("127.0.0.1", 0))
    tape = Tape(listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=connect, args=(raw,), daemon=True).start()

    def connect(raw: socket.socket) -> None:
        with suppress(OSError), inwards.wrap_socket(raw, server_side=True) as laptop:
            upstream = socket.create_connection(("127.0.0.1", home.settings().port))
            with onwards.wrap_socket(upstream, server_hostname="127.0.0.1") as server:
                said = bytearray()
                tape.said.append(said)
                back = threading.Thread(target=pump, args=(server, laptop, None), daemon=True)
                back.start()
                pump(laptop, server, said)
                back.join(5)

    def pump(source: ssl.SSLSocket, target: ssl.SSLSocket, tape: bytearray | None) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if tape is not None:
                    tape += data
                target.sendall(data)
            # The plain socket's: that of SSLSocket ends TLS for the other direction as well, which
            # would write down ciphertext from then on.
            socket.socket.shutdown(target, socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield tape
    finally:
        listener.close()
