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
from deskbound_client.federation.laptop import VaultLaptop, training_days
from deskbound_client.paths import HomePaths
from deskbound_client.store.rows import IMPORTED, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import Refusal
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.vocabulary import APP_OTHER, GAP_UNKNOWN
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
    [Vault.forget_all, lambda vault: consent.revoke(vault, "keys")],
    ids=["forget", "revoke"],
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
