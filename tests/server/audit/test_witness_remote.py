"""The log over real TLS, from a server that cuts answers off, redirects and lies."""

import json
import ssl
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deskbound_audit import witness_remote as module
from deskbound_audit.witness_remote import Remote, Source
from deskbound_server import pki
from deskbound_server.home import ServerHome, Settings
from deskbound_strategies.errors import ConfigError, NotFoundError, UnreachableError
from tests.helpers.agreement import signing_key
from tests.helpers.log import MemoryLog, witness

KEY = signing_key()


class Liar:
    """A server with a certificate of its own authority; ``script`` answers each request.

    Attributes:
        asked: (path, token, body) of each request.
    """

    def __init__(self, root):
        self.home = ServerHome(root)
        pki.init(self.home, Settings("127.0.0.1", 8443, "test"))
        self.asked, self.script = [], lambda handler: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("Content-Length", 0))
                token = self.headers.get("deskbound-witness-token")
                outer.asked.append((self.path, token, self.rfile.read(length)))
                outer.script(self)

            do_POST = do_GET

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.home.tls_certificate, self.home.tls_key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def source(self, **changes):
        url = f"https://127.0.0.1:{self.server.server_address[1]}/deskbound/log/"
        authority = self.home.ca_certificate.read_text("ascii")
        made = Source(url, authority, MemoryLog().verifier, KEY.public_key(), "a token")
        return replace(made, **changes)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def liar(tmp_path):
    made = Liar(tmp_path / "liar")
    yield made
    made.close()


def answers(status, body=b"", *, length=None, **headers):
    def script(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return script


def test_it_asks_with_its_token_and_reads_whole_answers(liar):
    remote = Remote(liar.source())
    liar.script = answers(200, b"a head")
    assert remote.checkpoint() == b"a head"
    liar.script = answers(200, b"one\ntwo\n")
    assert remote.leaves(17) == [b"one", b"two"]
    liar.script = answers(200)
    assert remote.leaves(19) == []
    liar.script = answers(204)
    remote.cosignature(b"signed")
    assert liar.asked == [
        ("/deskbound/log/checkpoint", "a token", b""),
        ("/deskbound/log/entries?begin=17", "a token", b""),
        ("/deskbound/log/entries?begin=19", "a token", b""),
        ("/deskbound/log/cosignature", "a token", b"signed"),
    ]


def test_no_head_is_no_failure(liar):
    liar.script = answers(404)
    assert Remote(liar.source()).checkpoint() is None
    with pytest.raises(UnreachableError):
        Remote(liar.source()).leaves(0)


@pytest.mark.parametrize("status", [400, 403, 409, 413, 500, 503])
def test_a_status_is_told(liar, status):
    liar.script = answers(status, b"words of the server")
    with pytest.raises(UnreachableError, match=str(status)) as caught:
        Remote(liar.source()).cosignature(b"x")
    assert "words" not in str(caught.value)


def test_an_answer_that_was_cut_off_is_none(liar):
    """A killed server must not look like one whose log has fewer leaves."""
    remote = Remote(liar.source())
    for body in (b"", b"one\ntwo\nthr"):
        liar.script = answers(200, body, length=len(body) + 100)
        with pytest.raises(UnreachableError):
            remote.leaves(0)
        with pytest.raises(UnreachableError):
            remote.checkpoint()


def chunks(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"ffff\r\nonly so much")


def nonsense(handler):
    handler.wfile.write(b"this is not HTTP\r\n\r\n")


@pytest.mark.parametrize("script", [chunks, nonsense, lambda handler: None])
def test_what_is_no_answer_at_all(liar, script):
    liar.script = script
    with pytest.raises(UnreachableError):
        Remote(liar.source()).leaves(0)


def test_more_than_is_ever_sent_is_not_read(liar, monkeypatch):
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1_000)
    liar.script = answers(200, b"x\n" * 2_000)
    with pytest.raises(UnreachableError):
        Remote(liar.source()).leaves(0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(liar, status):
    liar.script = answers(status, Location=f"{liar.source().url}elsewhere")
    with pytest.raises(UnreachableError):
        Remote(liar.source()).leaves(0)
    assert len(liar.asked) == 1


def test_nobody_but_the_pinned_authority_vouches(liar, tmp_path):
    other = ServerHome(tmp_path / "other")
    pki.init(other, Settings("127.0.0.1", 8443, "test"))
    authority = other.ca_certificate.read_text("ascii")
    with pytest.raises(UnreachableError):
        Remote(liar.source(ca_pem=authority)).checkpoint()
    assert liar.asked == []


def test_a_server_that_is_down(liar):
    source = liar.source(url="https://127.0.0.1:1/")
    with pytest.raises(UnreachableError):
        Remote(source).checkpoint()


def bundle(path, liar, **changes):
    content = {
        "url": "https://link.example.org:8443/deskbound/log/",
        "ca_pem": liar.home.ca_certificate.read_text("ascii"),
        "log": str(MemoryLog().verifier),
        "contract_key": KEY.public_key().public_bytes_raw().hex(),
        "token": "t",
    }
    path.write_text(json.dumps({k: v for k, v in (content | changes).items() if v is not None}))
    return path


def test_a_bundle_is_read(liar, tmp_path):
    found = Source.load(bundle(tmp_path / "witness.json", liar))
    assert found.log == MemoryLog().verifier
    assert found.contract_key.public_bytes_raw() == KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize("changes", [
    {"url": "http://link.example.org/"}, {"url": "file:///etc/passwd"}, {"url": 5},
    {"ca_pem": ""}, {"ca_pem": "no certificate"}, {"ca_pem": "\u00e9"}, {"log": "nobody"},
    {"log": str(witness(1)[1])}, {"contract_key": "ab"}, {"contract_key": "zz" * 32},
    {"token": None}, {"token": 5}, {"more": "x"},
])  # fmt: skip
def test_a_bundle_that_is_none(liar, tmp_path, changes):
    with pytest.raises(ConfigError):
        Source.load(bundle(tmp_path / "witness.json", liar, **changes))


@pytest.mark.parametrize("content", [b"", b"[]", b'["url"]', b"null", b"5", b"\xff", b"{}"])
def test_a_file_that_is_no_bundle(tmp_path, content):
    (tmp_path / "witness.json").write_bytes(content)
    with pytest.raises(ConfigError):
        Source.load(tmp_path / "witness.json")


def test_no_bundle(tmp_path):
    with pytest.raises(NotFoundError):
        Source.load(tmp_path / "none.json")
