"""One look at a SuperLink: reached only when the pinned authority vouches for it."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.federation import probe as probing
from deskbound_client.federation.join import Server
from deskbound_client.federation.probe import probe
from deskbound_client.federation.supernode import Finding
from deskbound_server import pki
from deskbound_server.home import ServerHome, Settings
from tests.client.federation.test_join import authority
from tests.helpers.log import MemoryLog

KEY = Ed25519PrivateKey.generate().public_key()
LOG = MemoryLog().verifier


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = ServerHome(tmp_path_factory.mktemp("server") / "home")
    pki.init(found, Settings("127.0.0.1", 1, "test"))
    return found


@contextmanager
def listening(context=None):
    """A server on loopback; without a context it says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        got = []

        def accept():
            with suppress(OSError):  # the server is closed, or the other side left
                plain, _ = server.accept()
                with plain, context.wrap_socket(plain, server_side=True) as secured:
                    got.append(secured.recv(1))

        thread = threading.Thread(target=accept, daemon=True)
        if context is not None:
            thread.start()
        yield server.getsockname()[1], got
        if context is not None:
            thread.join(5)


def context_of(home):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home.tls_certificate, home.tls_key)
    return context


def test_the_server_that_was_joined_is_reached_and_hears_nothing(home):
    pem = home.ca_certificate.read_text()
    with listening(context_of(home)) as (port, got):
        assert probe(Server(f"127.0.0.1:{port}", pem, KEY, LOG, "fleet")) is Finding.REACHED
    assert got in ([], [b""])


def test_another_authority_is_untrusted(home):
    with listening(context_of(home)) as (port, _):
        found = probe(Server(f"127.0.0.1:{port}", authority(), KEY, LOG, "fleet"))
    assert found is Finding.UNTRUSTED


def test_who_is_not_there_or_says_nothing_is_unreachable(monkeypatch):
    monkeypatch.setattr(probing, "TIMEOUT_SECONDS", 0.2)
    assert probe(Server("127.0.0.1:1", authority(), KEY, LOG, "fleet")) is Finding.UNREACHABLE
    with listening() as (port, _):
        found = probe(Server(f"127.0.0.1:{port}", authority(), KEY, LOG, "fleet"))
    assert found is Finding.UNREACHABLE
