"""What left, in plain words, from a real ledger."""

import hashlib
import json
from dataclasses import replace

import pytest

from deskbound_client.employee import sent as told
from deskbound_client.employee.alarm import ALARMS, alarm_of
from deskbound_client.employee.sent import Received, bytes_of, received, sent
from deskbound_client.employee.words import hour, sure
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.outbox import KeptAnswer, Outbox
from deskbound_client.store.files import replace_private
from deskbound_strategies.errors import LOCAL_ONLY, NotFoundError, RefusalCode, VerificationError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.refusal_words import REFUSED
from deskbound_strategies.stop_order import StopReason
from tests.helpers.agreement import AT, a_body
from tests.helpers.privacy import Laptop, a_lattice, a_round, dates, laptop

UPDATE = b"noise and a little more"


def take_part(mine: Laptop, number: int, *back: int, send: bool = True) -> None:
    asked = a_round(number)
    days = dict.fromkeys(dates(*back), "cut")
    assert mine.budget.reserve(asked, days, a_lattice(asked)) is not None
    if send:
        mine.budget.release(asked, UPDATE)


@pytest.fixture
def mine(tmp_path):
    with laptop(tmp_path / "home") as found:
        yield found


def test_an_upload_says_what_it_was_and_what_it_cost(mine):
    take_part(mine, 7, 0, 1)
    (upload,) = sent(mine.vault).uploads
    assert (upload.round, upload.days, upload.unit, upload.numbers) == (7, 2, "session", 1000)
    assert (upload.bytes, upload.sha256) == (len(UPDATE), hashlib.sha256(UPDATE).hexdigest())
    assert upload.at == AT // 3600 * 3600
    reserve, _ = list(mine.ledger.entries(kinds=[LedgerKind.RESERVE, LedgerKind.RELEASE]))
    assert (upload.epsilon, upload.delta) == (reserve.body["epsilon"], reserve.body["delta"])
    assert "1,000 numbers" in upload.words
    assert "2 days" in upload.words
    assert f"at most {sure(upload.epsilon)} sure" in upload.words


@pytest.mark.parametrize(
    ("task", "purpose", "words"),
    [
        ("next_action", "learning", "A noised change to 1,000 numbers of the shared model, made"),
        (
            "action_counts",
            "counting",
            "1,000 noised counts of which action comes after which",
        ),
        (
            "next_action_hits",
            "trial",
            "1,000 noised counts of how often a shared model",
        ),
        ("of-another", "of-another", "A noised answer of 1,000 numbers, made"),
    ],
)
def test_an_upload_says_what_it_was_for(mine, task, purpose, words):
    asked = replace(a_round(1), task=task)
    mine.budget.reserve(asked, dict.fromkeys(dates(0), "cut"), a_lattice(asked))
    assert sent(mine.vault).unsent[0].purpose == purpose
    mine.budget.release(asked, UPDATE)
    (upload,) = sent(mine.vault).uploads
    assert (upload.task, upload.purpose) == (task, purpose)
    assert upload.words.startswith(words)


def test_what_an_older_client_paid_for_is_told_without_its_task(mine):
    body = {name: value for name, value in a_body(LedgerKind.RESERVE).items() if name != "task"}
    paid = mine.ledger.append(LedgerKind.RESERVE, body)
    left = a_body(LedgerKind.RELEASE) | {"contract": body["contract"], "reserve": paid.seq}
    mine.ledger.append(LedgerKind.RELEASE, left)
    (upload,) = sent(mine.vault).uploads
    assert (upload.task, upload.purpose) == (None, "untold")
    assert upload.words.startswith("A noised answer of 1,000 numbers, made from 2 days.")


def test_the_sum_is_that_of_all_uploads_and_the_head_is_the_ledgers(mine):
    for number in (1, 2, 3):
        take_part(mine, number, 0)
    found = sent(mine.vault)
    assert (len(found.uploads), found.bytes) == (3, 3 * len(UPDATE))
    assert [upload.round for upload in found.uploads] == [1, 2, 3]
    assert found.head == mine.ledger.head()


def test_a_round_that_was_paid_for_and_never_left_is_told(mine):
    take_part(mine, 1, 0)
    take_part(mine, 2, 0, 1, send=False)
    found = sent(mine.vault)
    assert [upload.round for upload in found.uploads] == [1]
    (unsent,) = found.unsent
    assert (unsent.round, unsent.days) == (2, 2)
    assert unsent.epsilon > 0


def kept(mine: Laptop, number: int) -> None:
    take_part(mine, number, 0)
    seq = sent(mine.vault).uploads[-1].seq
    answer = KeptAnswer(UPDATE, b"receipt", {})
    with mine.vault.database.transaction():
        Outbox(mine.vault.database).keep(a_round(number).digest(), seq, answer)


def test_the_very_bytes_of_an_upload_can_be_had(mine):
    kept(mine, 1)
    (upload,) = sent(mine.vault).uploads
    assert bytes_of(mine.vault, upload.sha256[:8]) == (upload, UPDATE)
    for name in ("", "0" * 64):
        with pytest.raises(NotFoundError):
            bytes_of(mine.vault, name)


def test_bytes_that_are_not_kept_or_not_those_of_the_ledger_are_not_shown(mine):
    kept(mine, 1)
    (upload,) = sent(mine.vault).uploads
    mine.vault.database.execute("UPDATE outbox SET body = x'00'")
    with pytest.raises(VerificationError):
        bytes_of(mine.vault, upload.sha256)
    mine.vault.database.execute("DELETE FROM outbox")
    with pytest.raises(NotFoundError):
        bytes_of(mine.vault, upload.sha256)


def test_an_alarm_stands_until_the_next_release(mine):
    assert alarm_of(mine.vault.database, mine.ledger) is None
    mine.budget.refuse(RefusalCode.ROLLED_BACK)
    mine.budget.refuse(RefusalCode.SIGMA_TOO_LOW)
    assert alarm_of(mine.vault.database, mine.ledger) is RefusalCode.ROLLED_BACK
    take_part(mine, 1, 0)
    assert alarm_of(mine.vault.database, mine.ledger) is None
    assert set(ALARMS) <= LOCAL_ONLY


def test_every_reason_has_words_and_every_refusal_is_told(mine):
    assert set(REFUSED) == set(RefusalCode)
    assert len(set(REFUSED.values())) == len(REFUSED), "two reasons with the same words"
    for code in RefusalCode:
        mine.budget.refuse(code)
    mine.budget.refuse(RefusalCode.SIGMA_TOO_LOW, "ab" * 32)
    found = sent(mine.vault)
    assert [one.code for one in found.declined] == [*RefusalCode, RefusalCode.SIGMA_TOO_LOW]
    assert found.declined[-1].contract == "ab" * 32
    assert told.reasons(found.declined)[0] == (RefusalCode.SIGMA_TOO_LOW, 2)
    for one in found.declined:
        assert one.words.endswith(".")


def test_joining_and_leaving_are_told(mine):
    mine.ledger.append(LedgerKind.JOIN, {"action": "join", "server_key": "cd" * 32})
    mine.ledger.append(LedgerKind.JOIN, {"action": "leave", "server_key": "cd" * 32})
    assert [(one.joined, one.server_key) for one in sent(mine.vault).memberships] == [
        (True, "cd" * 32), (False, "cd" * 32),
    ]  # fmt: skip


def test_that_a_stop_was_answered_is_told(mine):
    mine.ledger.append(LedgerKind.STOP, {"order": "0a" * 16, "reason": "legal"})
    (stop,) = sent(mine.vault).stops
    assert stop.reason is StopReason.LEGAL
    assert stop.words.startswith("The operator stopped the fleet: the law")
    assert "answered that the order had come" in stop.words


def test_a_ledger_that_was_changed_is_not_told_as_true(mine):
    take_part(mine, 1, 0)
    mine.vault.database.execute("DROP TRIGGER ledger_is_never_shortened")
    mine.vault.database.execute("DELETE FROM ledger WHERE seq = 1")
    with pytest.raises(VerificationError):
        sent(mine.vault)


def test_the_model_that_came_last_is_told_from_its_card(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    assert received(paths) is None
    card = {"run": "ab" * 16, "round": 3, "model_hash": "cd" * 32, "task": "next_action"}
    replace_private(paths.model_card, json.dumps(card).encode())
    assert received(paths) is None, "a card without its model"
    replace_private(paths.model_weights, b"12345")
    assert received(paths) == Received("ab" * 16, 3, 5, "cd" * 32)
    replace_private(paths.model_card, b"[]")
    assert received(paths) is None


@pytest.mark.parametrize(
    ("epsilon", "words"),
    [(0.0, "50 %"), (0.5, "63 %"), (4.0, "99 %"), (10.0, "99.996 %"), (800.0, "100 %")],
)
def test_how_sure_somebody_gets_is_rounded_up(epsilon, words):
    assert sure(epsilon) == words


def test_an_hour_is_told_without_its_minutes():
    assert ":" not in hour(AT)
    assert hour(AT // 3600 * 3600).endswith(" h")
