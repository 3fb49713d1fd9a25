"""What a laptop trains on, and that nothing leaves which was made of what is forgotten."""

import base64
import hashlib
import math
import time
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from deskbound_client import consent
from deskbound_client.archive.admission import mark_as_moved
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS
from deskbound_client.config import Config
from deskbound_client.employee import policy
from deskbound_client.employee.wishes import Wish
from deskbound_client.federation.demands import Demands
from deskbound_client.federation.join import Server
from deskbound_client.federation.laptop import VaultLaptop, held_out_days, training_days
from deskbound_client.federation.participant import Accepted, Answered, Silence, answer
from deskbound_client.governor.network import NetworkAccount
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.anchoring import Anchoring
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.outbox import Outbox
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.files import replace_private
from deskbound_client.store.rows import IMPORTED, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies import codec, dsse, installed, weighing, wire
from deskbound_strategies.checkpoint import Checkpoint, Trust
from deskbound_strategies.contract import join_releases
from deskbound_strategies.errors import DiskFullError, Refusal, RefusalCode, VaultDamagedError
from deskbound_strategies.floor_file import to_toml
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.log_entries import Receipt
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.release import PACKAGES, Release, manifest_name, sign_release
from deskbound_strategies.round_proof import Proven
from deskbound_strategies.task import find_task, weights_of
from deskbound_strategies.vocabulary import APP_OTHER, APPS, GAP_UNKNOWN
from tests.helpers.agreement import signing_key
from tests.helpers.floors import REVIEWERS, put_in_force
from tests.helpers.learning import contract
from tests.helpers.log import REVIEWER, MemoryLog, a_manifest, witness
from tests.helpers.store import MemoryKeystore

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
LATTICE = Lattice(1.0, 10, 1.0)
KEY = signing_key()
WHOM = dsse.fingerprint(KEY.public_key())
SERVER = Server("localhost:1", "", KEY.public_key(), MemoryLog().verifier, "test")
HEAD = Checkpoint(MemoryLog().origin, 1, bytes(32))


@pytest.fixture
def vault(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    Control.create(paths.control).close()
    with Vault.create(paths.home, MemoryKeystore()) as made:
        put_in_force(made, PROFILES["research"])
        for subject in ("keys", "windows", "rhythm", "updates"):
            consent.grant(made, subject)
        at = int(time.time()) - 2 * 86_400
        made.append([StoredAction(5, 7, 3, at, stream=KEYS) for _ in range(5)])
        yield made


@pytest.fixture
def laptop(vault):
    paths = HomePaths(vault.home)
    return VaultLaptop(paths, vault, Config(holdout_days=0), SERVER)


def test_a_session_on_saturday_does_not_decide_about_friday():
    week = [FRIDAY - timedelta(back) for back in range(5)]
    without = training_days(week, MONDAY, 1)
    assert set(training_days([*week, FRIDAY + timedelta(1)], MONDAY, 1)) - {
        FRIDAY + timedelta(1)
    } == set(without)


def test_the_days_before_today_are_held_out():
    week = [MONDAY - timedelta(back) for back in range(7)]
    assert max(training_days(week, MONDAY, 2)) == MONDAY - timedelta(3)


def test_every_complete_day_is_either_trained_on_or_held_out():
    week = [MONDAY - timedelta(back) for back in range(7)]
    for holdout in (0, 1, 3, 9):
        held_out = held_out_days(week, MONDAY, holdout)
        assert sorted([*training_days(week, MONDAY, holdout), *held_out]) == sorted(week[1:])
        assert len(held_out) == min(holdout, 6)


def test_a_private_evaluation_is_asked_of_the_days_that_are_held_out(vault):
    paths = HomePaths(vault.home)
    laptop = VaultLaptop(paths, vault, Config(holdout_days=3), SERVER)
    assert laptop.units(contract()) == {}
    ((unit,),) = laptop.units(contract(task="next_action_hits")).values()
    assert len(unit) == 5


def test_what_a_revoked_stream_put_into_other_rows_is_not_trained_on(vault, laptop):
    consent.revoke(vault, "windows")
    consent.revoke(vault, "rhythm")
    ((unit,),) = laptop.units(contract()).values()
    assert set(unit.apps) == {APP_OTHER}
    assert set(unit.gaps) == {GAP_UNKNOWN}


@pytest.mark.parametrize(
    "change",
    [
        Vault.forget_all,
        lambda vault: vault.forget_day(vault.days()[0]),
        lambda vault: vault.forget(Wish.of_app(APPS[7]).rows),
        lambda vault: vault.forget(Wish.of_stream("keys").rows),
        lambda vault: vault.forget(Wish.of_stream("windows").rows),
        lambda vault: vault.forget(Wish.of_stream("rhythm").rows),
        lambda vault: vault.forget(Wish.of_rows(vault.days()[0], (3,)).rows),
        lambda vault: vault.forget_range(0, 1 << 40),
        lambda vault: consent.revoke(vault, "keys"),
    ],
    ids=["all", "day", "app", "stream", "windows", "rhythm", "row", "stretch", "revoke"],
)
def test_nothing_leaves_that_was_made_of_what_is_gone(vault, laptop, change):
    asked = contract()
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    change(vault)
    with pytest.raises(Refusal):
        laptop.release(asked, np.zeros(3).tobytes())


def test_an_undisturbed_update_may_leave(laptop):
    asked = contract()
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    laptop.release(asked, np.zeros(3).tobytes())


def test_midnight_takes_no_held_out_day_from_an_evaluation_that_was_paid_for(vault):
    now = [time.time()]
    paths = HomePaths(vault.home)
    laptop = VaultLaptop(paths, vault, Config(holdout_days=2), SERVER, clock=lambda: now[0])
    asked = contract(task="next_action_hits")
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    now[0] += 86_400
    assert laptop.units(asked) == {}, "the day is one to learn from by now"
    laptop.release(asked, np.zeros(3).tobytes())
    assert laptop.answered(asked) is not None
    vault.forget_all()
    with pytest.raises(Refusal):
        laptop.answered(asked)


def test_figures_are_worked_out_after_a_charge_and_only_then(vault, laptop):
    def figures() -> int:
        return vault.database.execute("SELECT count(*) FROM privacy_epsilons")[0][0]

    laptop.work_out_figures()
    assert figures() == 0, "nothing was charged yet"
    asked = contract()
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    laptop.work_out_figures()
    assert figures() == 1
    vault.database.execute("DELETE FROM privacy_epsilons")
    laptop.work_out_figures()
    assert figures() == 0, "worked out anew though nothing was charged"


def test_a_damaged_ledger_ends_no_executor(vault, laptop):
    asked = contract()
    laptop.reserve(asked, laptop.units(asked), LATTICE)
    vault.database.execute("DROP TRIGGER ledger_is_never_rewritten")
    vault.database.execute("UPDATE ledger SET line = x'00' WHERE seq = 0")
    laptop.work_out_figures()


def of_profile(vault: Vault, profile: str) -> VaultLaptop:
    put_in_force(vault, PROFILES[profile])
    return VaultLaptop(HomePaths(vault.home), vault, Config(holdout_days=0), SERVER)


@pytest.mark.parametrize(("profile", "learns"), [("balanced", False), ("research", True)])
def test_imported_rows_are_learned_from_in_research_vaults_only(vault, profile, learns):
    (day,) = of_profile(vault, profile).units(contract())
    at = int(time.time()) - 2 * 86_400
    vault.append([StoredAction(6, 7, 3, at, stream=KEYS, source=IMPORTED) for _ in range(3)])
    (unit,) = of_profile(vault, profile).units(contract())[day]
    assert (6 in unit.tokens) is learns
    assert 5 in unit.tokens


@pytest.mark.parametrize(("profile", "learns"), [("strict", False), ("research", True)])
def test_a_day_moved_here_was_charged_elsewhere(vault, profile, learns):
    (day,) = of_profile(vault, profile).units(contract())
    mark_as_moved(vault, day)
    assert (day in of_profile(vault, profile).units(contract())) is learns


def test_nothing_leaves_that_was_made_of_a_day_marked_meanwhile(vault):
    balanced = of_profile(vault, "balanced")
    asked = contract(noise_multiplier=2.0, steps=1, sampling_rate=0.01)
    assert balanced.reserve(asked, balanced.units(asked), LATTICE) is not None
    mark_as_moved(vault, vault.days()[0])
    with pytest.raises(Refusal):
        balanced.release(asked, np.zeros(3).tobytes())


class Switch:
    """Permission that goes and comes, and how often it was looked at."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0

    def __call__(self):
        self.asked += 1
        return self.answers.pop(0) if self.answers else True


def accepted(asked):
    task = find_task("next_action")
    weights = weights_of(task.build_model(1))
    return Accepted(asked, task, b"", weights, Proven(HEAD, {}, None), LATTICE)


def counting():
    task = find_task("action_counts")
    asked = contract(task=task.name, sampling_rate=1.0, steps=1, deadline=int(time.time()) + 600)
    proven = Proven(HEAD, {}, None)
    return Accepted(asked, task, b"", weights_of(task.build_model(0)), proven, LATTICE)


def count(laptop, *, release=True):
    """Answer a round that counts; returns what it tells of the laptop."""
    found = counting()
    asked, by_day = found.contract, laptop.units(found.contract)
    assert laptop.reserve(asked, by_day, LATTICE) is not None
    update = laptop.train(found, [unit for units in by_day.values() for unit in units])
    if release:
        laptop.release(asked, codec.encode(update, found.task.layout()))
    return weighing.told(asked, update)


def test_what_counts_told_is_known_from_their_release_on_and_after_a_restart(vault, laptop):
    assert PrivacyState(vault.database).told(WHOM) is None
    told = count(laptop)
    assert told is not None
    assert PrivacyState(vault.database).told(WHOM) == told
    vault.forget_all()
    assert PrivacyState(vault.database).told(WHOM) == told, "it left, and nothing takes it back"
    stranger = dsse.fingerprint(signing_key(77).public_key())
    assert PrivacyState(vault.database).told(stranger) is None, "another server was not told"


def test_counts_that_never_left_told_nothing(vault, laptop):
    assert count(laptop, release=False) is not None
    assert PrivacyState(vault.database).told(WHOM) is None
    asked = contract(run="1" * 32, deadline=int(time.time()) + 600)
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    laptop.train(accepted(asked), [])
    laptop.release(asked, np.zeros(3).tobytes())
    assert PrivacyState(vault.database).told(WHOM) is None, "that was another round's"


def size(update) -> float:
    return float(np.sqrt(sum((values.astype(np.float64) ** 2).sum() for values in update.values())))


@pytest.mark.parametrize("kept", [None, weighing.Told(30.0, 2.0), weighing.Told(-5.0, 2.0)])
def test_an_update_weighs_what_the_laptop_told_and_its_noise_with_it(vault, laptop, kept):
    if kept is not None:
        PrivacyState(vault.database).keep_told(kept, WHOM)
    deadline = int(time.time()) + 600
    asked = contract(steps=1, noise_multiplier=3.0, deadline=deadline)
    alike = size(laptop.train(accepted(asked), []))
    weighed = size(laptop.train(accepted(replace(asked, told_mean=10.0)), []))
    assert weighed / alike == pytest.approx(weighing.weight(kept, 10.0), rel=0.02)


@pytest.mark.parametrize("mean", [5e-324, 1e9])
@pytest.mark.parametrize("kept", [None, weighing.Told(0.0, 0.0), weighing.Told(1e300, 1.0)])
def test_whatever_mean_a_server_names_an_update_is_finite_and_no_larger(vault, laptop, mean, kept):
    if kept is not None:
        PrivacyState(vault.database).keep_told(kept, WHOM)
    asked = contract(steps=1, deadline=int(time.time()) + 600)
    alike = size(laptop.train(accepted(asked), []))
    weighed = laptop.train(accepted(replace(asked, told_mean=mean)), [])
    assert all(np.isfinite(values).all() for values in weighed.values())
    assert size(weighed) <= 1.05 * alike


def test_a_crash_while_it_is_written_down_releases_nothing_and_tells_nothing(
    vault, laptop, monkeypatch
):
    def crash(*_):
        raise DiskFullError("There is no room.", "Make some.")

    with monkeypatch.context() as patched:
        patched.setattr(PrivacyState, "keep_told", crash)
        with pytest.raises(DiskFullError):
            count(laptop)
    assert PrivacyState(vault.database).told(WHOM) is None
    ledger = LedgerStore(vault)
    assert list(ledger.entries(kinds=(LedgerKind.RELEASE,))) == []
    assert len(list(ledger.entries(kinds=(LedgerKind.RESERVE,)))) == 1, "what was paid stays paid"


def test_a_damaged_note_of_what_was_told_counts_as_none(vault):
    state = PrivacyState(vault.database)
    state.keep_told(weighing.Told(math.nan, 1.0), WHOM)
    assert state.told(WHOM) is None
    vault.database.execute("UPDATE privacy_state SET value = x'00' WHERE name = 'told'")
    assert state.told(WHOM) is None


def with_permission(vault, permission, **more):
    paths = HomePaths(vault.home)
    return VaultLaptop(
        paths,
        vault,
        Config(holdout_days=0),
        SERVER,
        may_train=permission,
        **more,
    )


def test_training_waits_for_its_owner_and_then_goes_on(vault):
    permission = Switch(True, False, False, True)
    laptop = with_permission(vault, permission)
    asked = contract(steps=3, deadline=int(time.time()) + 600)
    assert laptop.train(accepted(asked), [])
    assert permission.asked >= 5


def test_training_is_given_up_when_the_deadline_passes_meanwhile(vault):
    asked = contract(steps=3, deadline=1_000)
    times = iter(range(998, 2_000))
    laptop = with_permission(vault, lambda: False, clock=lambda: next(times))
    with pytest.raises(Refusal):
        laptop.train(accepted(asked), [])


def test_a_pause_ends_training_under_way(vault):
    paths = HomePaths(vault.home)
    control = Control.open(paths.control)
    calls = []

    def pause_in_the_third_step():
        calls.append(1)
        if len(calls) == 3:
            control.pause()
        return True

    laptop = with_permission(vault, pause_in_the_third_step)
    with pytest.raises(Refusal):
        laptop.train(accepted(contract(steps=500, deadline=int(time.time()) + 600)), [])
    assert len(calls) == 3


def test_consent_taken_back_ends_training_under_way(vault):
    control, calls = Control.open(HomePaths(vault.home).control), []

    def revoke_in_the_third_step():
        calls.append(1)
        if len(calls) == 3:
            consent.revoke(vault, "updates")
            control.bump()
        return True

    laptop = with_permission(vault, revoke_in_the_third_step)
    with pytest.raises(Refusal):
        laptop.train(accepted(contract(steps=500, deadline=int(time.time()) + 600)), [])
    assert len(calls) == 3


def test_nothing_leaves_beyond_the_months_bytes_and_what_leaves_is_charged_first(vault, laptop):
    asked, update = contract(), np.zeros(3).tobytes()
    account = NetworkAccount(HomePaths(vault.home).network_account)
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    laptop.release(asked, update)
    assert account.used() > len(update)
    account.note(Config().network_mb_per_month * 1_000_000)
    with pytest.raises(Refusal):
        laptop.release(asked, update)
    laptop.received(100)  # counts all the same, and never raises


def propose(vault, floor):
    HomePaths(vault.home).floor.write_bytes(to_toml(floor))


def test_a_tightened_floor_acts_without_a_restart(vault, laptop):
    assert laptop.is_willing()
    assert laptop.floor == PROFILES["research"]
    propose(vault, PROFILES["strict"])
    assert laptop.is_willing(), "consent covers what is tighter"
    assert laptop.floor == PROFILES["strict"]


def test_a_looser_file_changes_nothing_until_it_is_accepted(vault):
    strict = of_profile(vault, "strict")
    propose(vault, PROFILES["research"])
    assert strict.is_willing()
    assert strict.floor == PROFILES["strict"]
    policy.accept(HomePaths(vault.home), vault, PROFILES["research"].digest())
    assert strict.is_willing()
    assert strict.floor == PROFILES["research"]


def test_nothing_is_charged_under_a_floor_that_holds_no_more(vault, laptop):
    assert laptop.is_willing()
    asked = contract()
    propose(vault, PROFILES["strict"])
    with pytest.raises(Refusal):
        laptop.reserve(asked, laptop.units(asked), LATTICE)
    assert Budget(LedgerStore(vault), PROFILES["research"]).total() == 0.0


def test_nothing_leaves_that_was_charged_under_another_floor(vault, laptop):
    asked = contract()
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    propose(vault, PROFILES["strict"])
    with pytest.raises(Refusal):
        laptop.release(asked, np.zeros(3).tobytes())
    assert not list(LedgerStore(vault).entries(kinds=(LedgerKind.RELEASE,)))


def test_a_floor_that_cannot_be_written_down_lets_nothing_be_charged(vault, laptop, monkeypatch):
    def full(*_):
        raise DiskFullError("There is no room.", "Make some.")

    propose(vault, PROFILES["balanced"])
    with monkeypatch.context() as patch:
        patch.setattr(LedgerStore, "append", full)
        assert laptop.is_willing()
        assert laptop.floor == PROFILES["balanced"], "the tighter one holds at once"
        asked = contract(noise_multiplier=2.0, steps=1, sampling_rate=0.01)
        with pytest.raises(Refusal):
            laptop.reserve(asked, laptop.units(asked), LATTICE)
    assert laptop.is_willing()
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None


def test_without_its_records_a_looser_floor_finds_no_consent(vault):
    strict = of_profile(vault, "strict")
    put_in_force(vault, PROFILES["balanced"])
    put_in_force(vault, PROFILES["strict"])
    consent.grant(vault, "updates")
    assert strict.is_willing()
    vault.database.execute("DROP TRIGGER floors_are_never_removed")
    vault.database.execute("DELETE FROM policy_floors")
    propose(vault, PROFILES["balanced"])
    assert not strict.is_willing()


def test_a_record_that_was_taken_away_is_noticed_by_who_runs_and_by_who_starts(vault, laptop):
    put_in_force(vault, PROFILES["balanced"])
    vault.database.execute("DROP TRIGGER floors_are_never_removed")
    vault.database.execute("DELETE FROM policy_floors WHERE number = 2")  # the tighter one
    assert not laptop.is_willing()
    with pytest.raises(VaultDamagedError):
        VaultLaptop(HomePaths(vault.home), vault, Config(holdout_days=0), SERVER)


def released(laptop, asked, update=b"noised"):
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    return laptop.release(asked, update)


def test_what_left_is_sent_again_as_it_was_and_costs_nothing(vault, laptop):
    asked = contract()
    receipt = released(laptop, asked)
    total = Budget(LedgerStore(vault), PROFILES["research"]).total()
    entries = len(list(LedgerStore(vault).entries()))
    for mine in (laptop, VaultLaptop(HomePaths(vault.home), vault, Config(holdout_days=0), SERVER)):
        assert mine.answered(asked) == Answered(b"noised", receipt), "after a restart, too"
    assert Budget(LedgerStore(vault), PROFILES["research"]).total() == total
    assert len(list(LedgerStore(vault).entries())) == entries
    assert laptop.answered(contract(round=2)) is None


def test_receipt_release_and_kept_bytes_are_one_transaction(vault, laptop, monkeypatch):
    def full(self, *_):
        raise DiskFullError("There is no room.", "Make room.")

    asked = contract()
    assert laptop.reserve(asked, laptop.units(asked), LATTICE) is not None
    for owner, name in ((Anchoring, "receipt"), (Outbox, "keep"), (LedgerStore, "append")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            with pytest.raises(DiskFullError):
                laptop.release(asked, b"noised")
    assert not list(LedgerStore(vault).entries(kinds=(LedgerKind.RELEASE,)))
    assert vault.database.execute("SELECT * FROM log_receipts") == []
    assert vault.database.execute("SELECT * FROM outbox") == []
    assert Receipt.open(laptop.release(asked, b"noised")).count == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda vault: vault.forget_day(vault.days()[0]),
        lambda vault: vault.forget(Wish.of_app(APPS[7]).rows),
        lambda vault: consent.revoke(vault, "keys"),
    ],
    ids=["day", "app", "revoke"],
)
def test_what_was_made_of_what_is_gone_is_not_sent_again(vault, laptop, change):
    asked = contract()
    released(laptop, asked)
    change(vault)
    with pytest.raises(Refusal):
        laptop.answered(asked)
    assert laptop.answered(asked) is None, "nor is it held against the days again"
    seq = next(iter(LedgerStore(vault).entries(kinds=(LedgerKind.RELEASE,)))).seq
    assert Outbox(vault.database).bytes_of(seq) == b"noised", "what left can still be shown"


def test_sending_again_counts_against_the_months_bytes(vault, laptop):
    asked = contract()
    released(laptop, asked)
    account = NetworkAccount(HomePaths(vault.home).network_account)
    before = account.used()
    laptop.answered(asked)
    assert account.used() > before
    account.note(Config().network_mb_per_month * 1_000_000)
    with pytest.raises(Refusal):
        laptop.answered(asked)


def test_whose_word_counts_for_the_log_is_in_the_floor(vault):
    _, verifier = witness(1)
    floor = replace(
        PROFILES["research"], profile="custom", witnesses=(str(verifier),), witness_quorum=1
    )
    put_in_force(vault, floor)
    mine = VaultLaptop(HomePaths(vault.home), vault, Config(), SERVER)
    assert mine.trust == Trust(MemoryLog().verifier, (verifier,), 1)


class Reviewed:
    """A laptop whose floor asks for reviewers, with the manifest of the code that really runs."""

    def __init__(self, vault: Vault) -> None:
        self.vault, self.paths = vault, HomePaths(vault.home)
        packages = tuple(installed.read_package(name) for name in PACKAGES)
        manifest = sign_release(Release(packages), REVIEWER)
        replace_private(self.paths.release, manifest)
        self.manifest = manifest_name(manifest)
        self.log = MemoryLog()
        task = find_task("next_action")
        self.weights = codec.encode(weights_of(task.build_model(1)), task.layout())

    def under(self, *reviewers: bytes) -> VaultLaptop:
        names = tuple(base64.b64encode(one).decode() for one in reviewers)
        floor = replace(PROFILES["research"], profile="custom", reviewers=names)
        put_in_force(self.vault, floor)
        demands = Demands(self.paths)
        return VaultLaptop(
            self.paths,
            self.vault,
            Config(holdout_days=0),
            SERVER,
            meets=demands.met,
            manifest=demands.manifest,
        )

    def ask(self, laptop: VaultLaptop, *releases: str):
        """Ask for a round as a server would, and return what came of it."""
        now = int(time.time())
        asked = contract(
            run=f"{self.log.tree.size:032x}",
            model_hash=hashlib.sha256(self.weights).hexdigest(),
            anchors=self.log.anchors.digest(),
            issued=now - 1,
            deadline=now + 300,
            steps=1,
            releases=join_releases(releases),
        )
        older = range(1, self.log.tree.size + 1)
        envelope, index = self.log.sign(asked, KEY)
        proof = self.log.prove(index, laptop.anchor, older=older)
        return answer(wire.contract_message(envelope, proof, self.weights), laptop)

    def entries(self, kind: LedgerKind):
        return [one.body for one in LedgerStore(self.vault).entries(kinds=(kind,))]


def test_where_the_floor_names_reviewers_only_a_round_for_this_very_release_is_worked_on(vault):
    mine = Reviewed(vault)
    laptop = mine.under(REVIEWER.public_key().public_bytes_raw())
    other = manifest_name(a_manifest())
    for releases in ((), (other,)):
        assert isinstance(mine.ask(laptop, *releases), Silence)
    refusals = mine.entries(LedgerKind.REFUSE)
    assert [one["code"] for one in refusals] == [RefusalCode.RELEASE_NOT_LOGGED] * 2
    assert mine.entries(LedgerKind.RESERVE) == [], "it cost nothing"
    assert Budget(LedgerStore(vault), laptop.floor).total() == 0.0
    reply = wire.parse_reply(mine.ask(laptop, mine.manifest, other))
    assert isinstance(reply, wire.Reply)
    assert len(mine.entries(LedgerKind.RESERVE)) == len(mine.entries(LedgerKind.RELEASE)) == 1


def test_where_the_floor_names_no_reviewers_nothing_is_asked(vault):
    mine = Reviewed(vault)
    reply = wire.parse_reply(mine.ask(mine.under()))
    assert isinstance(reply, wire.Reply)


def test_a_laptop_that_was_told_of_no_manifest_works_on_nothing(vault, laptop):
    put_in_force(vault, replace(PROFILES["research"], profile="custom", reviewers=REVIEWERS))
    assert laptop.is_willing()
    for releases in ("", "ab" * 32):
        with pytest.raises(Refusal) as caught:
            laptop.check_release(contract(releases=releases))
        assert caught.value.code is RefusalCode.RELEASE_NOT_LOGGED
