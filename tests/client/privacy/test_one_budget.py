"""One device, one budget: no server, run, task, vocabulary or rejoin gets a fresh one."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from deskbound_client.employee import forgetting
from deskbound_client.employee.wishes import Wish
from deskbound_client.federation import join as fleet
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget, Reservation
from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_server import pki
from deskbound_server.home import ServerHome, Settings
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PROFILES, PolicyFloor
from tests.helpers.cli import Desk, days_ago, desk, empty
from tests.helpers.privacy import a_lattice, a_round

__all__ = ["desk", "empty"]

RESEARCH = PROFILES["research"]
ONE, TWO = days_ago(1), days_ago(2)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Join bundles of two servers that have nothing in common."""
    found = []
    for name in ("ours", "theirs"):
        home = ServerHome(tmp_path_factory.mktemp(name))
        pki.init(home, Settings("127.0.0.1", 9092, name))
        found.append(home.join_bundle)
    return found


def ask(
    vault: Vault, number: int, *days: date, floor: PolicyFloor = RESEARCH, **terms: object
) -> Reservation | None:
    asked = a_round(number, **terms)
    budget = Budget(LedgerStore(vault), floor)
    return budget.reserve(asked, dict.fromkeys(days, "cut"), a_lattice(asked))


def use_up(vault: Vault, *days: date) -> int:
    """Ask until the laptop is silent; return how many rounds that took."""
    number = 1
    while ask(vault, number, *days) is not None:
        number += 1
        assert number < 200
    return number


def spent(vault: Vault, day: date) -> float:
    return Budget(LedgerStore(vault), RESEARCH).spent(day)[0]


@pytest.mark.parametrize(
    "terms",
    [
        {"run": "00" * 16},
        {"task": "another_task"},
        {"vocabulary_hash": "ee" * 32},
        {"model_hash": "ee" * 32, "profile": "strict"},
        {"local_optimizer": "sgd", "learning_rate": 0.5, "divisor": 1.0},
        {"clip": 0.01},
    ],
    ids=str,
)
def test_nothing_that_a_server_can_name_gets_a_fresh_one(desk: Desk, terms: object) -> None:
    with desk.vault() as vault:
        number = use_up(vault, ONE)
        before = spent(vault, ONE)
        assert ask(vault, number, ONE, **terms) is None
        assert spent(vault, ONE) == before
        found = ask(vault, number, ONE, TWO, **terms)
        assert found is not None
        assert found.days == (TWO,)


def test_neither_does_another_server_or_coming_back(desk: Desk, bundles: list[Path]) -> None:
    desk.store(ONE)
    desk.ok("join", str(bundles[0]))
    with desk.vault() as vault:
        number = use_up(vault, ONE)
        before = spent(vault, ONE)
    for bundle in (bundles[1], bundles[0]):
        desk.ok("leave")
        desk.ok("join", str(bundle))
        with desk.vault() as vault:
            assert ask(vault, number, ONE, run="77" * 16) is None
            assert spent(vault, ONE) == before
    joined = [body["action"] for body in desk.bodies(LedgerKind.JOIN)]
    assert joined == ["join", "leave", "join", "leave", "join"]
    assert fleet.load_server(HomePaths(desk.paths.home)).fleet == "ours"


def test_a_day_that_is_gone_keeps_its_charge(desk: Desk) -> None:
    """Forgotten, filled again, or destroyed for its age: the block of that day stays spent."""
    desk.store(ONE)
    desk.store(TWO)
    with desk.vault() as vault:
        number = use_up(vault, ONE, TWO)
        before, total = spent(vault, ONE), Budget(LedgerStore(vault), RESEARCH).total()
        forgetting.forget(desk.paths, vault, Wish.of_day(ONE))
    desk.store(TWO, count=3)
    with desk.vault() as vault:
        budget = Budget(LedgerStore(vault), RESEARCH)
        vault.retire(0, keep_days=1, cap_bytes=1, noted=budget.retired, by_age=False)
        assert spent(vault, ONE) == before
        assert budget.total() == total
        assert ask(vault, number, ONE, TWO) is None
        everything = Wish.everything()
        forgetting.forget(desk.paths, vault, everything)
        assert budget.total() == total
        assert ask(vault, number, ONE, TWO) is None


def test_a_tightened_floor_counts_what_was_spent_before(desk: Desk) -> None:
    with desk.vault() as vault:
        assert ask(vault, 1, ONE) is not None
        before = spent(vault, ONE)
        strict = replace(PROFILES["strict"], rounds_per_day_max=1000, profile="custom")
        Floors(vault).adopt(strict, Why.TIGHTER)
        terms = {"noise_multiplier": 3.0, "steps": 20, "sampling_rate": 0.1}
        number = 2
        while ask(vault, number, ONE, floor=strict, **terms) is not None:
            number += 1
        fresh = number
        while ask(vault, fresh, TWO, floor=strict, **terms) is not None:
            fresh += 1
        assert fresh - number > number - 2, "what was spent under the looser floor still counts"
        assert spent(vault, ONE) >= before
