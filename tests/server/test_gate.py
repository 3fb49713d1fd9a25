import asyncio
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_server.gate import LOG_PREFIX, MAX_BODY_BYTES, TOKEN_HEADER, Gate, Knock, judge

TOKEN = "f" * 64
FAR, NEAR = "203.0.113.9", "127.0.0.1"


def knock(path, peer=FAR, token=None, length=10):
    return Knock(path, peer, token, length)


@pytest.mark.parametrize(
    ("request_", "verdict"),
    [
        (knock("/v1/fleet/pull-messages"), None),
        (knock("/health"), None),
        (knock("/v1/fleet/push-object", length=MAX_BODY_BYTES), None),
        (knock("/v1/fleet/push-object", length=MAX_BODY_BYTES + 1), 413),
        (knock("/v1/fleet/push-object", length=None), 411),
        (knock("/v1/runtime/acquire-task"), 403),
        (knock("/v1/runtime/acquire-task", peer=NEAR), None),
        (knock("/v1/runtime/acquire-task", peer="::ffff:127.0.0.1"), None),
        (knock("/v1/control/start-run"), 403),
        (knock("/v1/control/start-run", peer=NEAR), 403),
        (knock("/v1/control/start-run", token=TOKEN), 403),
        (knock("/v1/control/start-run", peer=NEAR, token="e" * 64), 403),
        (knock("/v1/control/start-run", peer=NEAR, token=TOKEN), None),
        (knock("/v1/control/start-run", peer="::1", token=TOKEN), None),
        (knock("/docs", peer=NEAR, token=TOKEN), 403),
        (knock("/openapi.json", peer=NEAR), 403),
        (knock("/v1/fleetish/x"), 403),
        (knock("/v1/control/../fleet/x"), 403),
    ],
)
def test_who_may_pass(request_, verdict):
    assert judge(request_, TOKEN) == (None if verdict is None else HTTPStatus(verdict))


@given(st.text(), st.text(), st.none() | st.text(), st.none() | st.integers())
def test_from_far_away_only_the_fleets_paths_pass(path, peer, token, length):
    let_in = judge(Knock(path, peer, token, length), TOKEN) is None
    if let_in and not path.startswith(("/v1/fleet/", LOG_PREFIX)) and path != "/health":
        assert peer.startswith(("127.", "::"))


class App:
    def __init__(self):
        self.reached = False

    async def __call__(self, scope, receive, send):
        self.reached = True


def through(gate, scope):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        raise AssertionError("the gate reads no body")

    asyncio.run(gate(scope, receive, send))
    return sent


def http(path, headers=(), peer=(NEAR, 1), method="POST"):
    return {
        "type": "http",
        "path": path,
        "headers": list(headers),
        "client": peer,
        "method": method,
    }


def test_the_gate_turns_away_without_reading_the_body():
    app = App()
    sent = through(
        Gate(app, TOKEN, App()), http("/v1/control/start-run", [(b"content-length", b"9")])
    )
    assert sent[0]["status"] == 403
    assert not app.reached


def test_the_gate_lets_through_what_shows_the_token():
    app = App()
    shown = [(b"content-length", b"9"), (TOKEN_HEADER.encode(), TOKEN.encode())]
    assert through(Gate(app, TOKEN, App()), http("/v1/control/start-run", shown)) == []
    assert app.reached


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 30, b""])
def test_an_absurd_length_is_turned_away(length):
    app = App()
    through(Gate(app, TOKEN, App()), http("/v1/fleet/push-object", [(b"content-length", length)]))
    assert not app.reached


def test_chunked_bodies_and_websockets_are_turned_away():
    for scope in (
        http("/v1/fleet/push-object", [(b"transfer-encoding", b"chunked")]),
        http(
            "/v1/fleet/push-object",
            [(b"content-length", b"9"), (b"transfer-encoding", b"chunked")],
        ),
        {"type": "websocket", "path": "/v1/fleet/x", "headers": []},
    ):
        app = App()
        through(Gate(app, TOKEN, App()), scope)
        assert not app.reached


def test_a_health_probe_needs_no_length():
    app = App()
    through(Gate(app, TOKEN, App()), http("/health", method="GET"))
    assert app.reached


def test_what_is_for_the_log_goes_to_the_log():
    app, log = App(), App()
    through(Gate(app, TOKEN, log), http("/deskbound/log/checkpoint", peer=(FAR, 1), method="GET"))
    assert (app.reached, log.reached) == (False, True)


def test_the_applications_own_lifespan_passes():
    app = App()
    through(Gate(app, TOKEN, App()), {"type": "lifespan"})
    assert app.reached
