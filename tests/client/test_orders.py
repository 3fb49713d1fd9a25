"""What the agent allows a child."""

import pytest

from deskbound_client.orders import Orders


def test_nothing_is_allowed_that_was_not_said():
    orders = Orders()
    assert not orders.may_train()
    assert orders.pace() == 1


def test_the_newest_word_counts():
    orders = Orders()
    for line, may in (("train", True), ("wait", False), ("train", True)):
        orders.take(line)
        assert orders.may_train() is may
    orders.take("pace 8")
    assert orders.pace() == 8


@pytest.mark.parametrize("line", ["", "pace", "pace 0", "pace 65", "pace -1", "pace ٣x", "TRAIN"])
def test_what_is_no_order_changes_nothing(line):
    orders = Orders()
    orders.take(line)
    assert (orders.may_train(), orders.pace()) == (False, 1)
