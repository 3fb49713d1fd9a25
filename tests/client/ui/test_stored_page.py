"""What is stored, in a real browser: found, explained, and gone in three clicks."""

import io
import re
from contextlib import contextmanager
from datetime import datetime

import pytest
from PIL import Image

from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS, POINTER
from deskbound_client.paths import HomePaths
from deskbound_client.store.rows import THUMB_BYTES, StoredAction, StoredThumb
from deskbound_client.store.vault import Vault
from deskbound_strategies.vocabulary import APPS, Kind, shortcut_argument, token_of
from tests.helpers.browser import NARROW, served, visiting
from tests.helpers.cli import days_ago, noon
from tests.helpers.store import MemoryKeystore

COPY = token_of(Kind.SHORTCUT, shortcut_argument("ctrl+c"))
CLICK = token_of(Kind.CLICK, 3)
MAIL, EDITOR = APPS.index("mail"), APPS.index("editor")
DAY, BEFORE = days_ago(1), days_ago(2)
PIXELS = bytes(range(256)) * 4 + bytes(THUMB_BYTES - 1024)
HOSTILE = "<script>alert(1)</script>"


@contextmanager
def a_week(root):
    """Pages of two days: copies in a mail program, clicks in an editor, a picture."""
    rows = [StoredAction(COPY, MAIL, 3, noon(DAY) + i, stream=KEYS) for i in range(60)]
    rows += [StoredAction(CLICK, EDITOR, 3, noon(DAY) + 7200 + i, stream=POINTER) for i in range(5)]
    old = [StoredAction(COPY, MAIL, 3, noon(BEFORE) + i, stream=KEYS) for i in range(7)]
    paths = HomePaths(root / "home")
    paths.prepare()
    Control.create(paths.control).close()
    vault = Vault.create(paths.home, MemoryKeystore(), today=days_ago(0))
    vault.append([*old, *rows, StoredThumb(PIXELS, MAIL, noon(DAY))])
    with served(paths.home, vault) as pages:
        yield pages


@pytest.fixture
def pages(tmp_path):
    with a_week(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def visitor(tmp_path_factory):
    """Somebody who came in and only looks."""
    with a_week(tmp_path_factory.mktemp("week")) as pages:
        found = pages.entered()
        found.pages = pages
        yield found
        found.close()


def rows_left(pages):
    with pages.desk.vault() as vault:
        return {day: vault.day(day).counts().actions for day in vault.days()}


def test_days_are_listed_with_what_they_hold(visitor):
    text = visitor.get("/stored").text
    assert "72 actions and 1 picture on 2 days" in text
    assert text.count('class="spark"') == 2
    assert f"/stored?day={DAY.isoformat()}" in text


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("q=ctrl%2Bc", 67), ("q=editor", 5), ("q=mail+pressed", 67), ("app=mail", 67),
        (f"day={DAY}", 65), (f"day={DAY}&app=editor", 5), ("stream=pointer", 5),
        ("kind=click", 5), ("kind=picture", 1), ("q=nothing-like-it", 0),
        (f"day={DAY}&hour={noon(DAY)}", 60),
    ],
)  # fmt: skip
def test_rows_are_found(visitor, question, count):
    text = visitor.get(f"/stored?{question}").text
    noun = "row" if count == 1 else "rows"
    assert f"{count} {noun} found" in text


def test_many_hits_come_in_pages(visitor):
    first = visitor.get("/stored?app=mail").text
    assert "1 to 50 of 67" in first
    (older,) = re.findall(r'href="([^"]*from=50)"', first)
    second = visitor.get(older.replace("&amp;", "&")).text
    assert "51 to 67 of 67" in second
    assert "Older" not in second


@pytest.mark.parametrize(
    "question",
    ["day=yesterday", "hour=x", "from=-1", "kind=none", "app=none", "stream=none", "source=none",
     f"hour={10**20}"],
)  # fmt: skip
def test_a_question_that_is_none_is_answered_calmly(visitor, question):
    answer = visitor.get(f"/stored?{question}")
    assert answer.status_code == 400
    assert "That did not work" in answer.text


@pytest.mark.parametrize(
    "path", ["action/2026-99-01/1", f"action/{DAY}/x", f"secret/{DAY}/1", f"action/{DAY}/999999",
             "picture/../../1", f"picture/{DAY}/999.png"],
)  # fmt: skip
def test_a_row_that_is_not_there_is_told(visitor, path):
    assert visitor.get(f"/stored/{path}").status_code in {400, 404}


def test_words_in_a_question_are_never_markup(visitor):
    text = visitor.get("/stored", params={"q": HOSTILE}).text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    "stranger", ["https://evil.example/", "//evil.example", "/lock", "/stored?x"]
)
def test_the_way_back_leads_nowhere_else(visitor, stranger):
    text = visitor.get(f"/stored/action/{DAY}/1", params={"back": stranger}).text
    expected = stranger if stranger.startswith("/stored?") else "/stored"
    assert f'<a href="{expected}">What is stored</a>' in text


def test_a_picture_is_handed_over_point_for_point(visitor):
    answer = visitor.get(f"/stored/picture/{DAY}/1.png")
    assert answer.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(answer.content))
    points = [17 * point for byte in PIXELS for point in (byte >> 4, byte & 15)]
    assert list(image.tobytes()) == points


def test_nothing_is_shown_to_who_has_not_come_in(visitor):
    stranger = visitor.pages.client()
    for path in ("/stored", f"/stored/action/{DAY}/1", f"/stored/picture/{DAY}/1.png"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert b"ctrl+c" not in answer.content
        assert b"PNG" not in answer.content
    stranger.close()


def test_one_action_is_gone_in_three_clicks(chromium, pages):
    with visiting(chromium, pages) as watched:
        page = watched.go("/stored?kind=click")
        page.click("tbody tr:first-child a")
        assert page.locator("th code").all_inner_texts()[:2] == ["id", "at"]
        page.click("text=Only this action")
        page.click("#forget-now")
        page.wait_for_selector(".notice")
        assert "Forgotten: 1 action and 0 pictures" in page.inner_text(".notice")
        assert watched.said == []
        assert watched.strangers() == []
    assert rows_left(pages) == {BEFORE: 7, DAY: 64}


@pytest.mark.parametrize(
    ("way", "left"),
    [("The hour from", {BEFORE: 7, DAY: 60}), ("All of editor", {BEFORE: 7, DAY: 60}),
     ("All that the stream pointer stored", {BEFORE: 7, DAY: 60})],
)  # fmt: skip
def test_the_like_of_a_row_is_gone_too(pages, way, left):
    visitor = pages.entered()
    found = visitor.get("/stored?kind=click").text
    (row, *_) = re.findall(rf"/stored/action/{DAY}/\d+", found)
    links = re.findall(r'href="(/forget\?[^"]*)">([^<]*)<', visitor.get(row).text)
    (address,) = [link.replace("&amp;", "&") for link, words in links if words.startswith(way)]
    shown = visitor.get(address).text
    scope, what = (
        re.search(rf'name="{name}" value="([^"]*)"', shown)[1] for name in ("scope", "what")
    )
    pages.post(visitor, "/forget", scope=scope, what=what, back="/stored")
    visitor.close()
    assert rows_left(pages) == left


def test_a_search_narrows_while_it_is_typed_and_an_application_goes_in_three_clicks(
    chromium, pages
):
    with visiting(chromium, pages, size=NARROW) as watched:
        page = watched.go("/stored")
        assert not watched.too_wide()
        page.fill("#q", "editor")
        page.wait_for_selector("text=5 rows found")
        assert not watched.too_wide()
        watched.go("/stored")
        page.click("a.chip:has-text('mail')")
        page.click("a:has-text('Forget all of mail')")
        assert "67 actions" in page.inner_text("main")
        page.click("#forget-now")
        page.wait_for_selector(".notice")
        assert watched.said == []
    assert rows_left(pages) == {BEFORE: 0, DAY: 5}


def test_it_works_without_javascript(chromium, pages):
    with visiting(chromium, pages, java_script_enabled=False) as watched:
        page = watched.go("/stored")
        page.fill("#q", "editor")
        page.click("button:text-is('Find')")
        page.wait_for_selector("text=5 rows found")


def test_the_hours_of_a_day_lie_where_the_clock_says(visitor):
    text = visitor.get(f"/stored?day={DAY}").text
    hour = datetime.fromtimestamp(noon(DAY)).astimezone().hour
    assert f">{hour} h <small>60</small>" in text
