"""HTTP over handed-in connections, against a real server on loopback."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from deskbound_client.federation.doorway import through
from deskbound_strategies.errors import UnreachableError


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("location", "http://192.0.2.1/")
            body = b""
        elif self.path == "/hang":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        else:
            self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_address
    made.shutdown()
    made.server_close()


@pytest.fixture
def client(server):
    dialled = []

    def dial():
        dialled.append(socket.create_connection(server))
        return dialled[-1]

    with through(dial) as made:
        made.dialled = dialled
        yield made


def test_large_bodies_go_both_ways_over_one_connection(client):
    for size in (0, 1, 3_000_000):
        answer = client.post("http://127.0.0.1:1/", content=b"x" * size)
        assert (answer.status_code, len(answer.content)) == (200, size)
    assert len(client.dialled) == 1


def test_wherever_a_request_wants_to_go_it_goes_through_the_door(client):
    assert client.post("http://192.0.2.1/", content=b"a").content == b"a"
    assert client.post("http://example.invalid:99/", content=b"b").content == b"b"


def test_a_redirect_is_not_followed(client):
    assert client.post("http://127.0.0.1/elsewhere", content=b"").status_code == 302


def test_a_connection_that_breaks_is_an_http_error_and_the_next_one_is_new(client):
    with pytest.raises(httpx.HTTPError):
        client.post("http://127.0.0.1/hang", content=b"")
    assert client.post("http://127.0.0.1/", content=b"again").content == b"again"
    assert len(client.dialled) == 2


def test_nobody_behind_the_door_is_an_http_error():
    def nobody():
        raise UnreachableError("Nobody.", "")

    with through(nobody) as client, pytest.raises(httpx.ConnectError):
        client.post("http://127.0.0.1/", content=b"")


def test_silence_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = through(lambda: socket.create_connection(listening.getsockname()))
        with client, pytest.raises(httpx.ReadTimeout):
            client.post("http://127.0.0.1/", content=b"", timeout=0.2)
