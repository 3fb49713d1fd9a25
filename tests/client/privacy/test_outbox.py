"""Answers as they left: kept whole, sent again only while what they were made from is there."""

from datetime import timedelta

import pytest

from deskbound_client.privacy import outbox as module
from deskbound_client.privacy.outbox import KeptAnswer, Outbox
from tests.helpers.privacy import dates, laptop
from tests.helpers.store import DAY

FRIDAY, MONDAY = dates(3, 0)
ONE, TWO = "a1" * 32, "b2" * 32


@pytest.fixture
def desk(tmp_path):
    with laptop(tmp_path / "home") as found:
        yield found


@pytest.fixture
def outbox(desk):
    return Outbox(desk.vault.database)


def an_answer(*days, body=b"update \x00\xff"):
    return KeptAnswer(body, b"receipt of " + body[:4], dict.fromkeys(days, "c" * 64))


def test_an_answer_is_found_as_it_left(outbox):
    answer = an_answer(FRIDAY, MONDAY)
    outbox.keep(ONE, 7, answer)
    assert outbox.find(ONE) == answer
    assert outbox.find(TWO) is None
    assert outbox.bytes_of(7) == answer.update
    assert outbox.bytes_of(8) is None
    assert outbox.kept() == {7}


def test_it_is_there_after_a_crash_or_not_at_all(desk, outbox):
    """It is kept in the transaction of the release, and falls with it."""

    def release():
        with desk.vault.database.transaction():
            outbox.keep(ONE, 7, an_answer(FRIDAY))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release()
    assert outbox.find(ONE) is None


def test_a_settled_answer_is_shown_and_not_sent_again(desk, outbox):
    outbox.keep(ONE, 7, an_answer(FRIDAY))
    outbox.keep(TWO, 8, an_answer(FRIDAY))
    outbox.settle(ONE)
    assert outbox.find(ONE) is None
    assert outbox.find(TWO) is not None
    assert outbox.kept() == {7, 8}
    ((cuts,),) = desk.vault.database.execute("SELECT cuts FROM outbox WHERE release = 7")
    assert cuts == b""


def test_the_oldest_bytes_go_first(outbox, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 100)
    for seq in range(1, 6):
        outbox.keep(f"{seq:064x}", seq, an_answer(FRIDAY, body=bytes(40)))
    assert outbox.kept() == {4, 5}
    assert outbox.find(f"{3:064x}") is None
    outbox.keep(f"{6:064x}", 6, an_answer(FRIDAY, body=bytes(101)))
    assert outbox.kept() == set(), "one that is larger than all that is kept"


def test_what_was_made_of_a_forgotten_day_is_never_sent_again(desk, outbox):
    both, other = an_answer(FRIDAY, MONDAY), an_answer(FRIDAY, body=b"another")
    outbox.keep(ONE, 7, both)
    outbox.keep(TWO, 8, other)
    outbox.forget([MONDAY, DAY - timedelta(100)])
    assert outbox.find(ONE) is None
    assert outbox.find(TWO) == other
    assert outbox.bytes_of(7) == both.update, "what left is still shown"


@pytest.mark.parametrize("deed", ["forgotten", "retired"])
def test_forgetting_a_day_takes_its_digest_along(desk, outbox, deed):
    outbox.keep(ONE, 7, an_answer(FRIDAY, MONDAY))
    outbox.keep(TWO, 8, an_answer(FRIDAY))
    if deed == "forgotten":
        desk.budget.forgotten("range", iter([MONDAY]))
    else:
        desk.budget.retired(MONDAY, "retention")
    assert outbox.find(ONE) is None
    assert outbox.find(TWO) is not None
    kept = desk.vault.database.execute("SELECT cuts FROM outbox WHERE contract = ?", (ONE,))
    assert kept == [(b"",)]
