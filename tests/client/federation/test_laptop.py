"""What a laptop trains on, and that nothing leaves which was made of what is forgotten."""

import time
from datetime import date, timedelta

import numpy as np
import pytest

from deskbound_client import consent
from deskbound_client.archive.admission import mark_as_moved
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS
from deskbound_client.config import Config
from deskbound_client.employee.wishes import Wish
from deskbound_client.federation.laptop import VaultLaptop, training_days
from deskbound_client.federation.participant import Accepted
from deskbound_client.governor.network import NetworkAccount
from deskbound_client.paths import HomePaths
from deskbound_client.store.rows import IMPORTED, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import Refusal
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.task import find_task, weights_of
from deskbound_strategies.vocabulary import APP_OTHER, APPS, GAP_UNKNOWN
from tests.helpers.learning import contract
from tests.helpers.store import MemoryKeystore

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
LATTICE = Lattice(1.0, 10, 1.0)


@pytest.fixture
def vault(tmp_path):
    paths = HomePaths(tmp_path / "home")
    paths.prepare()
    Control.create(paths.control).close()
    with Vault.create(paths.home, MemoryKeystore()) as made:
        for subject in ("keys", "windows", "rhythm", "updates"):
            consent.grant(made, subject)
        at = int(time.time()) - 2 * 86_400
        made.append([StoredAction(5, 7, 3, at, stream=KEYS) for _ in range(5)])
        yield made


@pytest.fixture
def laptop(vault):
    paths = HomePaths(vault.home)
    return VaultLaptop(paths, vault, Config(holdout_days=0), PROFILES["research"], None)


def test_a_session_on_saturday_does_not_decide_about_friday():
    week = [FRIDAY - timedelta(back) for back in range(5)]
    without = training_days(week, MONDAY, 1)
    assert set(training_days([*week, FRIDAY + timedelta(1)], MONDAY, 1)) - {
        FRIDAY + timedelta(1)
    } == set(without)


def test_the_days_before_today_are_held_out():
    week = [MONDAY - timedelta(back) for back in range(7)]
    assert max(training_days(week, MONDAY, 2)) == MONDAY - timedelta(3)


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
    paths = HomePaths(vault.home)
    return VaultLaptop(paths, vault, Config(holdout_days=0), PROFILES[profile], None)


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
    return Accepted(asked, task, b"", weights_of(task.build_model(1)), LATTICE)


def with_permission(vault, permission, **more):
    paths = HomePaths(vault.home)
    return VaultLaptop(
        paths,
        vault,
        Config(holdout_days=0),
        PROFILES["research"],
        None,
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
