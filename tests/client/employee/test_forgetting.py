"""Forgetting as the employee asks for it: exactly what was meant, and a receipt that is true."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS, POINTER, WINDOWS
from deskbound_client.capture.status import CaptureStatus, Hole, read_status, write_status
from deskbound_client.employee import forgetting
from deskbound_client.employee.forgetting import Wish
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.rows import Counts, StoredAction, StoredGap, StoredThumb
from deskbound_strategies.errors import ConfigError, NotFoundError, VaultDamagedError
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.vocabulary import APP_OTHER, APPS, GAP_UNKNOWN, Kind, token_of
from tests.helpers.privacy import a_lattice, a_round
from tests.helpers.store import DAY, DAY_SECONDS, NOON, new_vault

MAIL, CHAT = APPS.index("mail"), APPS.index("chat")
ENTER, CLICK = token_of(Kind.KEY, 18), token_of(Kind.CLICK, 3)
YESTERDAY = DAY - timedelta(1)


class World:
    def __init__(self, home):
        self.paths = HomePaths(home)
        self.vault, self.keystore = new_vault(home)
        self.control = Control.create(self.paths.control)

    def forget(self, wish):
        return forgetting.forget(self.paths, self.vault, wish, now=NOON + 60)

    def preview(self, wish):
        return forgetting.preview(self.vault, wish)

    def rows(self, day=DAY):
        return list(self.vault.day(day).actions())

    def written(self):
        kinds = (LedgerKind.FORGET,)
        return [entry.body["scope"] for entry in LedgerStore(self.vault).entries(kinds=kinds)]


@pytest.fixture
def world(tmp_path):
    found = World(tmp_path / "home")
    for start in (NOON - DAY_SECONDS, NOON):
        found.vault.append(some_rows(start))
    yield found
    found.vault.close()


def some_rows(start):
    """A minute in mail, chat and two programs without a category, with pictures and a hole."""
    spans = ((MAIL, 0), (CHAT, 0), (APP_OTHER, 77), (APP_OTHER, 78))
    rows: list = []
    for place, (app, bucket) in enumerate(spans):
        at = start + 10 * place
        switch = token_of(Kind.SWITCH, app)
        rows.append(StoredAction(switch, app, 3, at, stream=WINDOWS, bucket=bucket))
        rows.append(StoredAction(ENTER, app, 2, at + 1, stream=KEYS, bucket=bucket))
        rows.append(StoredAction(CLICK, app, 1, at + 2, stream=POINTER, bucket=bucket, fx=3, fy=4))
        rows.append(StoredThumb(bytes([place]) * 1152, app, at + 3))
    return [*rows, StoredGap(start + 50, start + 55, "idle")]


CASES = {
    "a category": (Wish.of_app("mail"), Counts(3, 1), lambda row: row.app == MAIL),
    "a program": (Wish.of_app("#77"), Counts(3, 2), lambda row: row.bucket == 77),
    "keys": (Wish.of_stream("keys"), Counts(4), lambda row: row.stream == KEYS),
    "pointer": (Wish.of_stream("pointer"), Counts(4), lambda row: row.stream == POINTER),
    "screen": (Wish.of_stream("screen"), Counts(0, 4), lambda _: False),
}


@pytest.mark.parametrize("name", CASES)
def test_exactly_what_was_meant_goes_on_every_day(world, name):
    wish, counts, meant = CASES[name]
    expected = [row for row in world.rows() if not meant(row)]
    foreseen = world.preview(wish)
    assert [day.counts for day in foreseen.days] == [counts, counts]
    receipt = world.forget(wish)
    assert receipt.gone.counts == counts + counts == foreseen.counts
    assert receipt.gone.days == (YESTERDAY, DAY)
    assert world.rows() == expected
    assert world.preview(wish).days == ()
    assert world.written() == [wish.scope]


def test_a_category_takes_its_pictures_along_and_no_others(world):
    world.forget(Wish.of_app("chat"))
    assert [thumb.app for thumb in world.vault.day(DAY).thumbs()] == [MAIL, APP_OTHER, APP_OTHER]


def test_the_stream_windows_leaves_no_category_behind(world):
    receipt = world.forget(Wish.of_stream("windows"))
    assert receipt.gone.counts == Counts(8, 0, 0, blanked=2 * (8 + 2))
    assert {(row.app, row.bucket) for row in world.rows()} == {(APP_OTHER, 0)}
    assert {thumb.app for thumb in world.vault.day(DAY).thumbs()} == {APP_OTHER}
    assert {row.stream for row in world.rows()} == {KEYS, POINTER}


def test_the_stream_rhythm_leaves_no_pause_behind(world):
    before = world.rows()
    receipt = world.forget(Wish.of_stream("rhythm"))
    assert receipt.gone.counts == Counts(blanked=24)
    assert world.rows() == [replace(row, gap=GAP_UNKNOWN) for row in before]


def test_single_rows_of_one_day(world):
    before = world.rows()
    receipt = forgetting.forget_rows(world.paths, world.vault, DAY, (2, 3), (1,))
    assert receipt.gone.counts == Counts(2, 1)
    assert receipt.gone.days == (DAY,)
    assert world.rows() == [row for i, row in enumerate(before, 1) if i not in (2, 3)]
    assert len(world.rows(YESTERDAY)) == 12


def test_a_stretch_takes_holes_that_touch_it(world):
    receipt = world.forget(Wish.last("1m", NOON + 60))
    assert receipt.gone.counts == Counts(12, 4, 1)


def test_whole_days_lose_their_keys(world):
    assert world.preview(Wish.of_day(YESTERDAY)).counts == Counts(12, 4, 1)
    assert world.forget(Wish.of_day(YESTERDAY)).gone.keys_destroyed == 1
    assert world.vault.days() == [DAY]
    assert world.forget(Wish.everything()).gone.counts == Counts(12, 4, 1)
    assert world.vault.days() == []


def test_nothing_to_forget_leaves_no_entry_and_no_receipt(world):
    receipt = world.forget(Wish.of_app("crm"))
    assert receipt.empty
    assert (world.written(), forgetting.receipts(world.vault)) == ([], [])


def test_what_waits_to_be_stored_is_dropped_first(world):
    before = world.control.generation
    world.forget(Wish.of_app("crm"))
    assert world.control.generation > before


def test_receipts_are_kept_signed_and_say_nothing_finer_than_the_day(world):
    first = world.forget(Wish.of_app("mail"))
    second = world.forget(Wish.of_day(DAY))
    assert forgetting.receipts(world.vault) == [first, second]
    (body,) = {str(first.body())}
    assert "mail" not in body
    assert str(NOON)[:6] not in body
    assert first.on == DAY


def test_a_receipt_that_was_changed_is_not_shown_as_one(world):
    world.forget(Wish.of_app("mail"))
    world.vault.database.execute(
        "UPDATE forget_receipts SET body = CAST(replace(body, 'actions', 'noitcas') AS BLOB)"
    )
    with pytest.raises(VaultDamagedError, match="did not sign"):
        forgetting.receipts(world.vault)


def test_what_rounds_learned_before_is_told_before_and_after(world):
    floor = PROFILES["balanced"]
    budget = Budget(LedgerStore(world.vault), floor)
    asked = a_round()
    assert budget.reserve(asked, {YESTERDAY: "cut"}, a_lattice(asked)) is not None
    foreseen = world.preview(Wish.of_app("mail"))
    receipt = world.forget(Wish.of_app("mail"))
    (learned,) = receipt.learned
    assert foreseen.learned == receipt.learned
    assert (learned.day, learned.rounds) == (YESTERDAY, 1)
    assert learned.epsilon == budget.spent(YESTERDAY)[0] > 0


def test_a_damaged_day_is_named_and_the_others_are_forgotten(world):
    world.vault.close()
    (world.paths.home / "days" / f"{YESTERDAY}.db").write_bytes(b"\x07" * 8192)
    with type(world.vault).open(world.paths.home, world.keystore) as vault:
        world.vault = vault
        foreseen = world.preview(Wish.of_app("mail"))
        assert foreseen.unreadable == (YESTERDAY,)
        receipt = world.forget(Wish.of_app("mail"))
        assert (receipt.gone.days, receipt.gone.damaged) == ((DAY,), (YESTERDAY,))
        assert forgetting.receipts(vault) == [receipt]
        assert world.written() == ["app"]
        world.forget(Wish.of_day(YESTERDAY))
        assert vault.days() == [DAY]


def test_a_day_to_come_is_no_day_to_forget(world):
    with pytest.raises(NotFoundError):
        world.forget(Wish.of_day(DAY + timedelta(2)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Wish.last("soon", NOON),
        lambda: Wish.between("noon", "", NOON),
        lambda: Wish.between("2026-11-20 15:00", "2026-11-20 14:00", NOON),
        lambda: Wish.of_app("my diary"),
        lambda: Wish.of_app("#0"),
        lambda: Wish.of_stream("updates"),
    ],
)
def test_what_is_unclear_is_no_wish(make):
    with pytest.raises(ConfigError):
        make()


@given(st.text(alphabet="<>&';-= xyz(", min_size=4).filter(str.strip))
def test_what_was_typed_by_mistake_is_not_repeated(text):
    for make in (Wish.of_app, Wish.of_stream, lambda t: Wish.last(t, NOON)):
        with pytest.raises(ConfigError) as caught:
            make(text)
        assert text.strip() not in caught.value.sentence


def test_what_capture_last_said_of_that_time_goes_too(world):
    world.paths.run.mkdir(mode=0o700)
    said = world.paths.run / "capture.json"
    hole = Hole(NOON + 50, NOON + 55, "lock")
    told = CaptureStatus(
        pid=1, at=NOON + 60, state="stopped", streams=("keys",), rows_last_minute={"keys": 4},
        faults=0, disk_full=False, now={"keys": "private"}, seen_last_minute={"keys": 5},
        holes=(hole,),
    )  # fmt: skip
    write_status(said, told)
    world.forget(Wish.last("1m", NOON + 60))
    rest = replace(told, now={}, rows_last_minute={}, seen_last_minute={}, holes=())
    assert read_status(said) == rest
    assert said.stat().st_mode & 0o777 == 0o600


def test_what_is_said_of_older_copies_is_true_for_this_vault(world):
    assert "no copy" in forgetting.copies_words(world.paths)
    (world.paths.home / "root.sealed").touch(mode=0o600)  # a passphrase does not change with it
    assert "still open" in forgetting.copies_words(world.paths)
