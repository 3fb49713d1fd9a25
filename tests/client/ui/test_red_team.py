"""Those who would look over the employee's shoulder: strangers' pages, other users, old keys.

A vault with rows that can be recognised is served; each attack must come away with none of them.
"""

import ctypes
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from deskbound_client.config_edit import set_value
from deskbound_client.ui.desk import Notice
from deskbound_strategies.pages.guard import BODY_BYTES, COOKIE, HEADERS
from deskbound_strategies.pages.keys import DoorKeys
from tests.helpers.browser import Pages, pages_of, visiting
from tests.helpers.cli import Desk, days_ago, quiet_desk
from tests.helpers.raw_http import exchange

TODAY = days_ago(0)
# Words that stand on these pages only because of what is stored.
PLANTED = ("pressed enter", "mail and talk", f"{4_321:,}")
SECRET_PAGES = ("/", "/stored", "/consent", "/settings", "/left", "/budget", "/forget", "/doctor")
EVIL = "evil.example"
NOBODY = 65_534


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Desk]:
    with quiet_desk(tmp_path_factory.mktemp("red")) as desk:
        desk.store(TODAY, 4_321)
        yield desk


@pytest.fixture(scope="module")
def house(home: Desk) -> Iterator[Pages]:
    with pages_of(home.paths.home) as found:
        yield found


@pytest.fixture
def pages(house: Pages) -> Pages:
    """The same house for all attacks, with new keys and open for capture."""
    house.anew()
    house.control().resume()
    house.control().set_streams(0)
    return house


@pytest.fixture
def own_pages(home: Desk) -> Iterator[Pages]:
    """A house that a test may end."""
    with pages_of(home.paths.home) as found:
        yield found


def leaked(*answers: httpx.Response | bytes) -> list[str]:
    bodies = [a if isinstance(a, bytes) else a.content for a in answers]
    return [word for word in PLANTED for body in bodies if word.encode() in body]


def raw(pages: Pages, request: str) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    return exchange(pages.desk.authority, request)


def cookie_of(visitor: httpx.Client) -> str:
    return f"{COOKIE}={visitor.cookies[COOKIE]}"


def test_the_planted_rows_are_there_for_the_employee(pages):
    """Else nothing below would show anything."""
    visitor = pages.entered()
    assert set(leaked(visitor.get("/"), visitor.get("/stored"))) >= {"4,321"}


# --- strangers' pages ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", [EVIL, "localhost", "127.0.0.1", "", "AUTHORITY.evil.example", "AUTHORITY@evil.example"]
)
def test_a_rebound_name_is_answered_nothing(pages, host):
    cookie = cookie_of(pages.entered())
    named = host.replace("AUTHORITY", pages.desk.authority)
    for name in {named, f"{named}:{pages.desk.authority.split(':')[1]}"}:
        answer = raw(
            pages, f"GET / HTTP/1.1\nHost: {name}\nCookie: {cookie}\nConnection: close\n\n"
        )
        assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))
        assert leaked(answer) == []


def test_no_host_two_hosts_and_absolute_addresses_are_answered_nothing(pages):
    cookie, ours = cookie_of(pages.entered()), pages.desk.authority
    for request in (
        f"GET / HTTP/1.0\nCookie: {cookie}\n\n",
        f"GET / HTTP/1.1\nHost: {ours}\nHost: {EVIL}\nCookie: {cookie}\nConnection: close\n\n",
        f"GET http://{EVIL}/ HTTP/1.1\nHost: {EVIL}\nCookie: {cookie}\nConnection: close\n\n",
    ):
        answer = raw(pages, request)
        assert not answer.startswith(b"HTTP/1.1 200")
        assert leaked(answer) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": f"http://{EVIL}"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of our own address
        {"origin": "OURS", "sec-fetch-site": "same-site"},
        {},  # says nothing of where it is from
    ],
)
def test_a_deed_from_elsewhere_is_refused_even_with_cookie_and_mark(pages, headers):
    visitor = pages.entered()
    given = {name: value.replace("OURS", pages.address) for name, value in headers.items()}
    form = {"csrf": pages.desk.keys.csrf, "how": "forever"}
    assert visitor.post("/pause", data=form, headers=given).status_code == 403
    assert not pages.control().paused


def test_a_deed_without_our_mark_is_refused(pages):
    visitor = pages.entered()
    origin = {"origin": pages.address}
    for form in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": DoorKeys().csrf}):
        answer = visitor.post("/pause", data=form | {"how": "forever"}, headers=origin)
        assert answer.status_code == 403
    assert not pages.control().paused
    assert pages.post(visitor, "/pause", how="5m").status_code == 200
    assert pages.control().paused


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", SECRET_PAGES)
def test_a_question_from_elsewhere_is_refused_even_with_the_cookie(pages, path, site):
    answer = pages.entered().get(path, headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert leaked(answer) == []


def test_deeds_are_not_done_by_questions(pages):
    visitor = pages.entered()
    for path in ("/pause?how=forever", "/resume", "/lock", "/consent/grant?stream=keys",
                 "/settings/exclude?kind=app&pattern=chat"):  # fmt: skip
        assert visitor.get(path).status_code in {404, 405}
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"):
        answer = visitor.request(method, "/stored", headers={"origin": pages.address})
        assert answer.status_code in {403, 404, 405, 415}
        assert leaked(answer) == []
    assert not pages.control().paused
    assert pages.control().streams == 0


def test_every_answer_forbids_what_is_not_ours(pages):
    visitor = pages.entered()
    stranger = pages.client()
    answers = [visitor.get(path) for path in (*SECRET_PAGES, "/nowhere", "/static/style.css")]
    answers += [stranger.get("/"), stranger.post("/pause"), stranger.get("/live/alive")]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SECRET_PAGES)
def test_without_the_cookie_there_is_only_the_door(pages, path):
    for cookies in ({}, {COOKIE: ""}, {COOKIE: "x" * 43}, {"other": "value"}):
        visitor = pages.client()
        visitor.cookies.update(cookies)
        answer = visitor.get(path)
        assert answer.status_code == 403
        assert leaked(answer) == []


def test_a_code_opens_once(pages):
    assert pages.client().post("/enter", data={"code": pages.code}).status_code == 200
    again = pages.client().post("/enter", data={"code": pages.code})
    assert again.status_code == 403
    assert COOKIE not in again.cookies
    pages.letter.tidy()
    assert not pages.letter.path.exists()


def test_guessing_the_code_ends_before_it_begins(pages):
    visitor = pages.client()
    for _ in range(10):
        assert visitor.post("/enter", data={"code": DoorKeys().code}).status_code == 403
    # Not even the right one any more: the employee starts anew.
    assert visitor.post("/enter", data={"code": pages.code}).status_code == 403


def test_the_cookie_is_for_no_script_and_no_other_site(pages):
    answer = pages.client().post("/enter", data={"code": pages.code})
    words = answer.headers["set-cookie"].lower()
    assert "httponly" in words
    assert "samesite=strict" in words
    assert "domain" not in words
    assert pages.code not in answer.text


def test_after_the_lock_old_keys_open_nothing(own_pages):
    pages = own_pages
    visitor = pages.entered()
    csrf = pages.desk.keys.csrf
    pages.desk.lock()
    assert pages.desk.passphrase == ""
    form = {"csrf": csrf, "code": pages.code}
    for answer in _whatever_still_answers(pages, visitor, form):
        assert answer.status_code == 403
        assert leaked(answer) == []
    assert pages.ended()
    with pytest.raises(httpx.ConnectError):
        visitor.get("/")


def _whatever_still_answers(pages, visitor, form):
    try:
        for path in SECRET_PAGES:
            yield visitor.get(path)
        yield visitor.post("/enter", data=form)
        yield visitor.post("/pause", data=form, headers={"origin": pages.address})
    except httpx.TransportError:
        return  # it has ended meanwhile


def test_the_polling_of_a_page_does_not_put_off_the_lock(own_pages):
    pages = own_pages
    visitor = pages.entered()
    pages.clock.seconds += pages.desk.idle_seconds - 1
    assert visitor.get("/live/today").status_code == 200
    pages.clock.seconds += 1
    assert pages.ended()


def test_the_letter_is_private_and_gone_after_a_minute(pages):
    assert pages.letter.path.stat().st_mode & 0o777 == 0o600
    assert pages.letter.path.parent.stat().st_mode & 0o777 == 0o700
    pages.clock.seconds += 60
    pages.letter.tidy()
    assert not pages.letter.path.exists()


def test_no_key_is_in_a_command_line_an_address_or_the_log(pages, capfd):
    visitor = pages.entered()
    visitor.get("/stored?text=zebra")
    said = "".join(capfd.readouterr())
    keys = (pages.code, visitor.cookies[COOKIE], pages.desk.keys.csrf, "zebra")
    assert [key for key in keys if key in said] == []
    assert pages.code not in Path("/proc/self/cmdline").read_text("utf-8")
    assert pages.code not in str(pages.letter.path)


# --- other users of the machine -----------------------------------------------------------------


@contextmanager
def as_nobody() -> Iterator[None]:
    """Make sockets as another user does; the system marks them with a thread's file system user.

    The effective user would be that of the served pages' thread as well.
    """
    libc = ctypes.CDLL(None)
    before = libc.setfsuid(NOBODY)
    try:
        yield
    finally:
        libc.setfsuid(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not_listened_to_even_with_every_key(pages):
    cookie, ours = cookie_of(pages.entered()), pages.desk.authority
    request = f"GET / HTTP/1.1\nHost: {ours}\nCookie: {cookie}\nConnection: close\n\n"
    assert raw(pages, request).startswith(b"HTTP/1.1 200")
    with as_nobody():
        assert raw(pages, request) == b""


def test_a_server_beside_ours_on_the_same_address_gains_nothing(pages, chromium):
    """Cookies know no ports: it is shown the cookie, and its page may still do nothing."""
    host = pages.desk.authority.split(":")[0]
    seen: list[str] = []

    class Beside(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("cookie", ""))
            body = _HOSTILE.format(ours=pages.address).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with visiting(chromium, pages) as visit:
        with http.server.HTTPServer((host, 0), Beside) as beside:
            thread = threading.Thread(target=beside.serve_forever, daemon=True)
            thread.start()
            page = visit.page.context.new_page()
            page.goto(f"http://{host}:{beside.server_port}/")
            page.wait_for_function("window.done")
            stolen = page.evaluate("window.stolen")
            beside.shutdown()
        assert COOKIE in seen[0], "if this fails, browsers have learned about ports"
        assert stolen == []
        assert not pages.control().paused


_HOSTILE = """<!doctype html><body><script>
window.stolen = [];
async function grab(path, how) {{
  try {{
    const answer = await fetch('{ours}' + path, how);
    const text = await answer.text();
    if (text) window.stolen.push(text.slice(0, 80));
  }} catch (refused) {{}}
}}
(async () => {{
  await grab('/', {{credentials: 'include'}});
  await grab('/', {{credentials: 'include', mode: 'no-cors'}});
  await grab('/pause', {{method: 'POST', credentials: 'include', mode: 'no-cors',
    headers: {{'content-type': 'application/x-www-form-urlencoded'}}, body: 'how=forever'}});
  const frame = document.createElement('iframe');
  frame.src = '{ours}/';
  document.body.append(frame);
  const script = document.createElement('script');
  script.src = '{ours}/stored';
  document.body.append(script);
  await new Promise(done => setTimeout(done, 500));
  try {{
    const heads = frame.contentDocument?.querySelectorAll('h1') ?? [];
    window.stolen.push(...[...heads].map(head => head.textContent));
  }} catch (refused) {{}}
  window.done = true;
}})();
</script>"""


def test_a_strangers_form_sent_by_the_browser_does_nothing(pages, chromium, tmp_path):
    attack = tmp_path / "attack.html"
    attack.write_text(
        f'<form method="post" action="{pages.address}/pause"><input name="how" value="forever">'
        "</form><script>document.forms[0].submit()</script>"
    )
    with visiting(chromium, pages) as seen:
        page = seen.page.context.new_page()
        page.goto(attack.as_uri())
        page.wait_for_url(pages.address + "/pause")
        assert "answer only to themselves" in page.content()
        assert not pages.control().paused


# --- what is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd",
        "/static/%2e%2e%2f%2e%2e%2fstore%2fvault.py", "/static/..%5capp.py", "/static/%00",
        "/static/", "/static/../../../../../../etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_static_folder(pages, path):
    answer = raw(pages, f"GET {path} HTTP/1.1\nHost: {pages.desk.authority}\nConnection: close\n\n")
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 403", b"HTTP/1.1 405", b"HTTP/1.1 400"))
    for word in (b"Vault", b"root:", b"Starlette"):
        assert word not in answer


def test_a_body_that_is_too_long_or_no_form_is_not_read(pages):
    visitor = pages.entered()
    headers = {"origin": pages.address}
    big = b"csrf=" + b"x" * BODY_BYTES
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert visitor.post("/pause", content=big, headers=headers | kind).status_code == 413
    chunks = (b"x" * 4096 for _ in range(40))
    assert visitor.post("/pause", content=chunks, headers=headers | kind).status_code == 413
    for body, kind_of in ((b"{}", "application/json"), (b"a=b", "text/plain"), (b"", "")):
        answer = visitor.post("/pause", content=body, headers=headers | {"content-type": kind_of})
        assert answer.status_code == 415
    many = b"&".join(b"a=b" for _ in range(2_000))
    assert visitor.post("/pause", content=many, headers=headers | kind).status_code == 400
    assert not pages.control().paused


SCRIPT = '"><script>window.owned=1</script><img src=x onerror=window.owned=1>{{7919*7907}}'


def test_names_from_elsewhere_are_text_and_nothing_else(pages, chromium):
    set_value(pages.paths.config, "excluded_apps", (SCRIPT,))
    set_value(pages.paths.config, "excluded_titles", (SCRIPT,))
    odd = httpx.QueryParams({"scope": "app", "what": SCRIPT, "back": f"//{EVIL}", "text": SCRIPT})
    with visiting(chromium, pages) as seen:
        for path in ("/settings", f"/stored?{odd}", f"/forget?{odd}", f"/{SCRIPT}"):
            seen.go(path)
            assert seen.page.evaluate("window.owned") is None, path
            assert seen.page.locator("main img, main script").count() == 0
            assert str(7919 * 7907) not in seen.page.locator("main").inner_text()
        seen.go("/settings")
        assert SCRIPT in seen.page.locator("main").inner_text()
        assert seen.strangers() == []
    set_value(pages.paths.config, "excluded_apps", ())
    set_value(pages.paths.config, "excluded_titles", ())


@pytest.mark.parametrize("where", [f"//{EVIL}", f"http://{EVIL}/", f"/\\{EVIL}", "javascript:1"])
def test_no_form_leads_to_another_host(pages, where):
    visitor = pages.entered()
    form = {"csrf": pages.desk.keys.csrf, "scope": "last", "what": "5m", "back": where}
    answer = visitor.post("/forget", data=form, headers={"origin": pages.address})
    assert answer.headers["location"] == "/"


def test_an_error_says_nothing_of_what_broke(pages, monkeypatch):
    visitor = pages.entered()

    def broken(*_):
        raise ValueError("pressed enter in mail")

    monkeypatch.setattr("deskbound_client.ui.pages.consent.agreeing.offers", broken)
    answer = visitor.get("/consent")
    assert answer.status_code == 500
    assert leaked(answer) == []
    assert "mail" not in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        "GET /static/nothing", "GET /static/../stored", "GET /static/%2e%2e/", "GET /static",
        "GET /enter", "HEAD /enter", "GET /enter/", "GET /live/nothing",
    ],
)  # fmt: skip
def test_who_is_not_in_learns_no_mark_and_no_receipt_from_an_error(pages, asked):
    pages.desk.say(Notice("Forgotten: 7 actions."))
    told = raw(pages, f"{asked} HTTP/1.1\nHost: {pages.desk.authority}\nConnection: close\n\n")
    assert pages.desk.keys.csrf.encode() not in told
    assert b"Forgotten" not in told
    assert pages.desk.take_notice() is not None, "it still waits for the employee"
