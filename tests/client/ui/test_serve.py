"""The pages are served to their own browser, and end when they should."""

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
