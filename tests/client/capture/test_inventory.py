from pathlib import Path

from deskbound_client.capture.inventory import render_inventory
from deskbound_client.capture.signals import SIGNALS

PAGE = Path(__file__).parents[3] / "docs" / "data-inventory.md"


def test_the_committed_page_is_what_the_signals_say():
    assert PAGE.read_text(encoding="utf-8") == render_inventory()


def test_every_word_of_every_signal_is_on_the_page():
    page = render_inventory()
    for signal in SIGNALS:
        assert f"`{signal.name}`" in page
        assert signal.purpose in page
        assert all(one in page for one in (*signal.kept, *signal.never_kept))
