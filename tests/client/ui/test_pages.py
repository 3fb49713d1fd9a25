"""The pages in real Chromium, on a real vault: they load, they fit, and their buttons do it."""

from collections.abc import Iterator

import pytest

from deskbound_client.cli.generate import fill_day
from deskbound_client.config import load_config
from deskbound_client.consent import granted
from deskbound_client.employee import forgetting
from deskbound_client.store.rows import StoredGap
from deskbound_client.ui.app import PAGES
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.stop_order import StopReason
from tests.helpers.browser import NARROW, Pages, Watched, pages_of, visiting
from tests.helpers.cli import Desk, days_ago, noon, quiet_desk

TODAY = days_ago(0)
ADDRESSES = [module.PATH for module in PAGES]
ERRORS = ("error", "warning")
# What one can do on a page without a mouse, in the order of the document.
CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Desk]:
    """A vault with a generated day, a hole and today's rows."""
    with quiet_desk(tmp_path_factory.mktemp("pages")) as desk:
        with desk.vault() as vault:
            fill_day(vault, PERSONAS["analyst"], TODAY, 1)
            vault.append([StoredGap(noon(TODAY), noon(TODAY) + 1800, "sleep")])
        yield desk


@pytest.fixture(scope="module")
def house(home: Desk) -> Iterator[Pages]:
    with pages_of(home.paths.home) as pages:
        yield pages


@pytest.fixture(scope="module")
def seen(house: Pages, chromium) -> Iterator[Watched]:
    """One visit for all: the letter opens once."""
    with visiting(chromium, house) as found:
        yield found


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_page_loads_calmly_and_asks_nobody_else(seen, path):
    seen.said.clear()
    answer = seen.page.goto(seen.base + path)
    assert answer.status == 200
    seen.page.wait_for_load_state("networkidle")
    assert [line for line in seen.said if line.startswith(ERRORS)] == []
    assert seen.strangers() == []
    assert seen.page.locator("h1").count() == 1


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_page_fits_a_narrow_screen(seen, path):
    seen.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    seen.go(path)
    assert not seen.too_wide()
    seen.page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("path", ["/", "/settings", "/consent"])
def test_every_control_is_reached_by_the_tab_key_and_has_a_name(seen, path):
    page = seen.go(path)
    mark = "els => els.filter(e => e.checkVisibility()).map((e, i) => e.dataset.n = i).length"
    count = page.locator(CONTROLS).evaluate_all(mark)
    reached = set()
    for _ in range(count + 2):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.n ?? null"))
    assert {str(place) for place in range(count)} <= reached
    nameless = page.locator("button, input:not([type=hidden]), select, textarea").evaluate_all(
        "els => els.filter(e => !(e.textContent.trim() || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert nameless == []


def test_pause_pauses_and_only_resume_resumes(seen, house):
    seen.go("/")
    seen.page.get_by_role("button", name="30 minutes", exact=True).click()
    assert house.control().paused
    assert house.control().paused_until is not None
    seen.page.get_by_role("heading", name="Paused until").wait_for()
    seen.page.get_by_role("button", name="Resume").click()
    seen.page.get_by_text("Resumed.").wait_for()
    assert not house.control().paused


def test_a_stop_of_the_fleet_is_said_on_today_until_it_is_resumed(seen, house):
    seen.go("/")
    house.control().pause(stopped_for=StopReason.FAULT)
    seen.page.get_by_text("The operator stopped the fleet").wait_for()
    assert "something does not work as it should" in seen.page.locator("#live").inner_text()
    seen.page.locator("#resume").click()
    seen.page.get_by_text("Resumed.").wait_for()
    assert seen.page.get_by_text("The operator stopped the fleet").count() == 0


def test_a_pause_from_elsewhere_shows_by_itself_and_keeps_the_focus(seen, house):
    seen.go("/")
    seen.page.locator("#pause-5m").focus()
    house.control().pause()
    seen.page.get_by_role("heading", name="Paused until you resume").wait_for(timeout=15_000)
    assert seen.page.evaluate("document.activeElement.id") == "pause-5m"
    house.control().resume()


def test_consent_is_given_and_taken_back_and_forgetting_is_offered(seen, house):
    seen.go("/consent")
    seen.page.get_by_role("button", name="Agree to keys").click()
    with house.desk.vault() as vault:
        assert list(granted(vault)) == ["keys"]
    seen.page.get_by_role("button", name="Take back keys").click()
    with house.desk.vault() as vault:
        assert list(granted(vault)) == []
    assert house.control().streams == 0
    seen.page.get_by_role("link", name="Forget what keys stored").click()
    seen.page.get_by_role("heading", name="All that the stream keys stored").wait_for()


def test_settings_are_written_and_a_rule_is_offered_for_the_past(seen, house):
    seen.go("/settings")
    seen.page.get_by_label("Kept for, today included").fill("9")
    seen.page.get_by_role("button", name="Save What is kept").click()
    assert load_config(house.paths.config).retention_days == 9
    seen.page.locator("#pattern").fill("chat")
    seen.page.get_by_role("button", name="Exclude").click()
    assert load_config(house.paths.config).excluded_apps == ("chat",)
    seen.page.get_by_role("link", name="Forget its past days as well").wait_for()
    seen.page.get_by_role("button", name="Remove").click()
    assert load_config(house.paths.config).excluded_apps == ()


def test_a_setting_out_of_range_is_refused_and_nothing_changes(seen, house):
    before = house.paths.config.read_bytes()
    seen.go("/settings")
    seen.page.get_by_label("Weekly hours").fill("always on sundays")
    seen.page.get_by_role("button", name="Save When it may look").click()
    seen.page.get_by_role("heading", name="That did not work").wait_for()
    assert house.paths.config.read_bytes() == before


def test_an_archive_is_handed_out_encrypted_and_nothing_is_left_here(seen, house):
    seen.go("/settings")
    seen.page.locator("#passphrase").fill("correct horse battery")
    seen.page.locator("#again").fill("correct horse battery")
    with seen.page.expect_download() as waiting:
        seen.page.locator("#export").click()
    content = waiting.value.path().read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert not list(house.paths.run.glob("export-*"))


def test_forget_shows_what_goes_and_then_it_is_gone(seen, house):
    """Last: it takes the day away."""
    seen.go("/")
    seen.page.get_by_role("button", name="All of today").click()
    seen.page.get_by_text("would go.").wait_for()
    with house.desk.vault() as vault:
        assert vault.day(TODAY).counts().actions > 0
    seen.page.get_by_role("button", name="Forget it for good").click()
    seen.page.get_by_text("A signed receipt is kept.").wait_for()
    with house.desk.vault() as vault:
        assert TODAY not in vault.days()
        assert len(forgetting.receipts(vault)) == 1
    seen.go("/")
    seen.page.get_by_text("Nothing is stored of today.").wait_for()


def test_the_lock_button_ends_the_visit(home, chromium):
    with pages_of(home.paths.home) as pages, visiting(chromium, pages) as seen:
        seen.page.get_by_role("button", name="Lock").click()
        seen.page.get_by_role("heading", name="Locked").wait_for()
        assert pages.ended()


def test_without_javascript_everything_still_works(home, chromium):
    with (
        pages_of(home.paths.home) as pages,
        visiting(chromium, pages, java_script_enabled=False) as seen,
    ):
        seen.page.get_by_role("button", name="5 minutes", exact=True).click()
        assert pages.control().paused
        seen.page.get_by_role("button", name="Resume").click()
        assert not pages.control().paused
