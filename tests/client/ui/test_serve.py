"""The pages are served to their own browser, and end when they should."""

from deskbound_client.employee.erasing import erase
from deskbound_strategies.pages.letter import Letter
from tests.helpers.browser import Pages, visiting


def test_the_letter_lets_chromium_in_once(pages: Pages, chromium):
    with visiting(chromium, pages) as seen:
        assert seen.page.title() == "Today · Deskbound"
        assert seen.said == []
        assert seen.strangers() == []


def test_left_alone_it_locks_and_the_page_shows_nothing(pages: Pages, chromium):
    with visiting(chromium, pages) as seen:
        pages.clock.seconds += pages.desk.idle_seconds
        assert pages.ended()
        seen.page.get_by_role("heading", name="Locked").wait_for()
        assert "Today" not in seen.page.content()


def test_pages_of_a_vault_that_was_erased_end_by_themselves(pages: Pages, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    visitor = pages.entered()
    assert visitor.get("/stored").status_code == 200
    assert erase(pages.paths).complete
    visitor.close()
    assert pages.ended()
    assert pages.desk.locked
    assert not pages.paths.home.exists()


def test_where_nobody_can_tell_whether_a_visit_goes_on_it_ends(pages: Pages, monkeypatch):
    def unreadable(_letter):
        raise PermissionError

    monkeypatch.setattr(Letter, "tidy", unreadable)
    assert pages.ended()
    assert pages.desk.locked
