"""Those who are not meant: strangers' pages, wrong roles, old tokens, odd names."""

from contextlib import closing

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_server import stop_orders
from deskbound_server.database import Database
from deskbound_server.ui.sessions import SESSION_SECONDS, TRIES
from deskbound_server.ui.tokens import Role
from deskbound_strategies.errors import VaultDamagedError
from deskbound_strategies.pages.guard import HEADERS
from tests.helpers.raw_http import exchange
from tests.helpers.released import RUN
from tests.helpers.server_pages import FLEET, ServerPages, new_home, served

EVIL = "evil.example"
SCRIPT = '"><script>window.owned=1</script>{{7919*7907}}'


def raw(pages: ServerPages, request: str) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    return exchange(pages.office.authority, request)


def stopped(pages: ServerPages) -> bool:
    with pages.office.database() as database:
        return stop_orders.latest(database) is not None


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


# --- who may come in ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/fleet", "/stop", "/live/runs", f"/run/{RUN}", "/none"])
def test_without_a_token_every_page_says_the_same_and_nothing(pages, path):
    answer = pages.client().get(path)
    assert answer.status_code == 401
    for word in (RUN[:8], FLEET, "csrf", "next_action"):
        assert word not in answer.text


def test_the_code_of_the_terminal_opens_once(pages):
    code = pages.office.keys.code
    assert pages.client().post("/enter", data={"code": code}).status_code == 200
    assert pages.client().post("/enter", data={"code": code}).status_code == 401


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_token_of_the_pages_opens_them_and_no_figures(pages, role):
    visitor = pages.entered(role)
    assert visitor.get("/").status_code == 200
    token = pages.token(role)
    assert pages.client().get("/metrics", headers=bearer(token)).status_code == 401
    assert pages.client().get("/", headers=bearer(token)).status_code == 401, "a cookie it is"


def test_a_metrics_token_opens_the_figures_and_no_page(pages):
    token = pages.token(Role.METRICS)
    answer = pages.client().get("/metrics", headers=bearer(token))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    visitor = pages.client()
    assert visitor.post("/enter", data={"code": token}).status_code == 401
    assert visitor.get("/").status_code == 401
    assert visitor.get("/", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize("given_", ["", "Bearer", "Basic YTpi", "bearer x", "Bearer " + "x" * 4000])
def test_figures_without_a_token_say_nothing(pages, given_):
    answer = pages.client().get("/metrics", headers={"authorization": given_})
    assert (answer.status_code, answer.text) == (401, "Unauthorized\n")


def test_a_token_that_was_revoked_closes_what_it_opened(pages):
    visitor = pages.entered(Role.OPERATOR)
    assert visitor.get("/stop").status_code == 200
    (token,) = [one for one in pages.office.tokens.all() if one.role is Role.OPERATOR][-1:]
    pages.office.tokens.revoke(token.id)
    assert visitor.get("/").status_code == 401
    assert visitor.get("/live/runs").status_code == 401


def test_a_visit_ends_by_leaving_and_after_its_hours(pages):
    visitor = pages.entered()
    assert pages.post(visitor, "/leave").status_code == 200
    assert visitor.get("/").status_code == 401
    other = pages.entered()
    pages.clock.seconds += SESSION_SECONDS
    assert other.get("/").status_code == 401


def test_another_users_connection_is_not_let_in_with_our_cookie(pages, monkeypatch):
    visitor = pages.entered()
    monkeypatch.setattr("deskbound_server.ui.entrance.user_of", lambda _: 65_534)
    assert visitor.get("/").status_code == 401
    monkeypatch.setattr("deskbound_server.ui.entrance.user_of", lambda _: None)
    assert visitor.get("/").status_code == 401


def test_wrong_tokens_are_slowed_down_and_right_ones_with_them(pages):
    visitor, right = pages.client(), pages.token(Role.VIEWER)
    for _ in range(TRIES):
        assert visitor.post("/enter", data={"code": "ab.cd"}).status_code == 401
    assert visitor.post("/enter", data={"code": right}).status_code == 429
    assert visitor.get("/metrics", headers=bearer(right)).status_code == 429
    assert pages.office.keys.code, "the code of the terminal was not worn out by that"
    pages.clock.seconds += 60
    assert visitor.post("/enter", data={"code": right}).status_code == 200


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_whatever_is_typed_opens_nothing(pages, given_):
    pages.clock.seconds += 120
    assert pages.client().post("/enter", data={"code": given_}).status_code == 401


# --- strangers' pages -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", [EVIL, "localhost", "127.0.0.1", "", "AUTHORITY.evil.example"])
def test_a_rebound_name_is_answered_nothing(pages, host):
    visitor = pages.entered()
    named = host.replace("AUTHORITY", pages.office.authority)
    cookie = f"deskbound={visitor.cookies['deskbound']}"
    token = pages.token(Role.METRICS)
    for path in ("/", "/metrics"):
        answer = raw(
            pages,
            f"GET {path} HTTP/1.1\nHost: {named}\nCookie: {cookie}\n"
            f"Authorization: Bearer {token}\nConnection: close\n\n",
        )
        assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))
        assert b"deskbound_runs" not in answer
        assert RUN[:8].encode() not in answer


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": f"http://{EVIL}"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "OURS", "sec-fetch-site": "cross-site"},
        {},
    ],
)
def test_an_order_from_elsewhere_is_refused_even_with_cookie_and_mark(pages, headers):
    visitor = pages.entered(Role.OPERATOR)
    given_ = {name: value.replace("OURS", pages.address) for name, value in headers.items()}
    form = {"csrf": pages.csrf(visitor), "reason": "fault", "confirm": FLEET}
    assert visitor.post("/stop", data=form, headers=given_).status_code == 403
    assert not stopped(pages)


def test_an_order_without_its_own_visitors_mark_is_refused(pages):
    visitor, other = pages.entered(Role.OPERATOR), pages.entered(Role.OPERATOR)
    for mark in ("", "x" * 43, pages.csrf(other)):
        answer = pages.post(visitor, "/stop", csrf=mark, reason="fault", confirm=FLEET)
        assert answer.status_code == 403
    assert not stopped(pages)


def test_every_answer_carries_the_policy(pages):
    visitor = pages.entered()
    for path in ("/", "/none", "/static/style.css", "/metrics", "/static/none"):
        answer = visitor.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value


def test_the_cookie_is_for_our_pages_alone(pages):
    visitor = pages.client()
    answer = visitor.post("/enter", data={"code": pages.token(Role.VIEWER)})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


# --- wrong roles ----------------------------------------------------------------------------------


def test_a_viewer_neither_sees_nor_gives_the_order(pages):
    visitor = pages.entered(Role.VIEWER)
    assert visitor.get("/stop").status_code == 403
    assert 'href="/stop"' not in visitor.get("/fleet").text
    answer = pages.post(visitor, "/stop", reason="fault", confirm=FLEET)
    assert answer.status_code == 403
    assert not stopped(pages)


@pytest.mark.parametrize(
    "form",
    [
        {"reason": "fault"},
        {"reason": "fault", "confirm": ""},
        {"reason": "fault", "confirm": "yes"},
        {"reason": "fault", "confirm": FLEET.lower()},
        {"reason": "because", "confirm": FLEET},
        {"confirm": FLEET},
    ],
)
def test_an_order_that_is_not_confirmed_stops_nobody(pages, form):
    visitor = pages.entered(Role.OPERATOR)
    answer = pages.post(visitor, "/stop", **form)
    assert answer.status_code == 400
    assert "Nothing was stopped" in answer.text
    assert not stopped(pages)


def test_no_route_but_these_changes_anything(pages):
    """What is posted: coming in, leaving, the order. Nothing starts or resumes."""
    from deskbound_server.ui.app import make_app

    deeds = {
        route.path
        for route in make_app(pages.office).routes
        if "POST" in (getattr(route, "methods", None) or ())
    }
    assert deeds == {"/enter", "/leave", "/stop"}


# --- odd names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/run/..%2f..%2fkeys%2fcontract.key", "/run/%2e%2e", "/run/../../keys/log.key",
        "/models/..%2f..%2fsecrets%2fcontrol.token", "/models/%00", "/run/%00", "/run/%ff",
        "/live/run/..%2f/now", "/static/..%2f..%2ftokens.py", "/static/%2e%2e/app.py",
        "/static/../../../keys/log.key", "/run/" + "a" * 5000, "/models/latest/../../x",
    ],
)  # fmt: skip
def test_a_name_leads_nowhere_else(pages, path):
    cookie = pages.entered(Role.OPERATOR).cookies["deskbound"]
    answer = raw(
        pages,
        f"GET {path} HTTP/1.1\nHost: {pages.office.authority}\nCookie: deskbound={cookie}\n"
        "Connection: close\n\n",
    )
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 405"))
    assert b"PRIVATE KEY" not in answer
    assert pages.office.home.control_token.read_bytes() not in answer


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_whatever_is_asked_for_is_answered_calmly(pages, text):
    if not pages.visitors:
        pages.entered()
    visitor = pages.visitors[0]
    quoted = httpx.QueryParams({"run": text, "seen": text, "stopped": text})
    name = str(httpx.QueryParams({"x": text}))[2:].replace("+", "%20")
    for address in (f"/compare?{quoted}", f"/fleet?{quoted}", f"/live/runs?{quoted}",
                    f"/run/{name}", f"/models/{name}"):  # fmt: skip
        answer = visitor.get(address)
        assert answer.status_code in {200, 400, 404}, address
        assert "internal" not in answer.text


def test_names_from_elsewhere_are_text(pages):
    visitor = pages.entered()
    odd = str(httpx.QueryParams({"x": SCRIPT}))[2:]
    for address in (f"/run/{odd}", f"/models/{odd}", f"/compare?run={odd}", f"/{odd}"):
        answer = visitor.get(address)
        assert "<script>window" not in answer.text
        assert str(7919 * 7907) not in answer.text


def test_the_record_cannot_be_written_by_looking(pages, home):
    before = home.database.stat().st_mtime_ns
    with (
        closing(Database.open_to_read(home.database)) as database,
        pytest.raises(VaultDamagedError),
    ):
        database.add_run("ab" * 16, b"{}", 1)
    assert home.database.stat().st_mtime_ns == before
    assert all(run.id == RUN for run in Database.open_to_read(home.database).runs())


def test_an_operators_order_is_signed_and_logged(tmp_path):
    with served(new_home(tmp_path / "home")) as pages:
        visitor = pages.entered(Role.OPERATOR)
        answer = pages.post(visitor, "/stop", reason="fault", confirm=FLEET)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/fleet?stopped=later"
        with pages.office.database() as database:
            found = stop_orders.latest(database)
            assert found is not None
            assert found.order.reason.value == "fault"
            assert database.leaves()[found.leaf]
        assert "0 of 3" in visitor.get("/fleet").text
        assert "not up" in visitor.get("/fleet?stopped=later").text
