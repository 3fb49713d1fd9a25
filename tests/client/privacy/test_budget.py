"""Charge before computing, never refund: on a real vault and a real ledger."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.privacy.budget import REFUSALS_PER_DAY, Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.vault import Vault
from deskbound_strategies.accounting import epsilon_of, guaranteed, noise_delta, round_cost
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import verify_export
from deskbound_strategies.policy import PROFILES
from tests.helpers.privacy import DAYS, Laptop, a_lattice, a_round, dates, laptop
from tests.helpers.store import FileKeystore

RESEARCH = PROFILES["research"]
SECONDS_PER_DAY = 86_400


def reserve(
    budget: Budget, number: int, days: tuple[date, ...] = DAYS, cut: str = "cut", **changes: object
):
    contract = a_round(number, **changes)
    return budget.reserve(contract, dict.fromkeys(days, cut), a_lattice(contract))


def kinds(mine: Laptop) -> list[str]:
    return [entry.kind.value for entry in mine.ledger.entries()]


def refused(mine: Laptop, number: int, budget: Budget | None = None) -> RefusalCode:
    before = kinds(mine)
    with pytest.raises(Refusal) as caught:
        reserve(budget or mine.budget, number)
    assert kinds(mine) == before
    return caught.value.code


def test_a_reserve_charges_every_day_and_says_so(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        contract = a_round()
        assert mine.budget.plan(contract, dict.fromkeys(reversed(DAYS), "cut")) == DAYS
        assert mine.budget.spent(DAYS[0]) == (0.0, RESEARCH.delta_day)
        found = reserve(mine.budget, 1)
        assert found is not None
        assert found.days == DAYS
        cost = round_cost(contract)
        for day in DAYS:
            held = guaranteed(cost, RESEARCH.delta_day, steps=10)
            assert mine.budget.spent(day) == (held, RESEARCH.delta_day)
        entry = mine.ledger.entry(found.seq)
        assert entry is not None
        assert entry.kind is LedgerKind.RESERVE
        assert entry.body["blocks"] == sorted(mine.budget.block_of(day) for day in DAYS)
        assert entry.body["contract"] == contract.digest() == found.contract
        assert entry.body["epsilon"] == found.epsilon
        assert found.epsilon == epsilon_of(cost, RESEARCH.delta_day - noise_delta(10))
        assert kinds(mine) == ["genesis", "policy", "reserve"]


def test_no_date_is_in_the_ledger_and_two_laptops_name_a_day_differently(tmp_path: Path) -> None:
    with laptop(tmp_path / "a") as one, laptop(tmp_path / "b") as other:
        reserve(one.budget, 1)
        one.ledger.export(tmp_path / "export.jsonl")
        text = (tmp_path / "export.jsonl").read_text()
        assert DAYS[0].isoformat() not in text
        assert one.budget.block_of(DAYS[0]) != other.budget.block_of(DAYS[0])
        assert one.budget.block_of(DAYS[0]) == Budget(one.ledger, RESEARCH).block_of(DAYS[0])


def test_spent_days_sit_out_and_fresh_ones_go_on_until_silence(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        old, new = dates(3, 2), dates(1)
        number = 1
        while reserve(mine.budget, number, old) is not None:
            number += 1
            assert number < 200
        before = kinds(mine)
        assert all(mine.budget.spent(day)[0] <= RESEARCH.epsilon_day for day in old)
        assert kinds(mine) == before  # silence leaves no entry
        found = reserve(mine.budget, number, old + new)
        assert found is not None
        assert found.days == new
        assert reserve(mine.budget, number + 1, ()) is None


@given(
    rounds=st.lists(
        st.tuples(
            st.floats(0.01, 0.5),
            st.floats(0.7, 5.0),
            st.integers(1, 60),
            st.sets(st.integers(0, 4)),
        ),
        max_size=8,
    )
)
@settings(
    deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_sequence_of_rounds_overdraws_a_day(
    tmp_path_factory: pytest.TempPathFactory,
    rounds: list[tuple[float, float, int, set[int]]],
) -> None:
    with laptop(tmp_path_factory.mktemp("vault") / "home") as mine:
        for number, (rate, sigma, steps, back) in enumerate(rounds, 1):
            before = {day: mine.budget.spent(day)[0] for day in DAYS}
            terms = {"sampling_rate": rate, "noise_multiplier": sigma, "steps": steps}
            found = reserve(mine.budget, number, dates(*back), **terms)
            taken = () if found is None else found.days
            for day in DAYS:
                spent = mine.budget.spent(day)[0]
                assert spent <= RESEARCH.epsilon_day * (1 + 1e-12)
                assert (spent > before[day]) == (day in taken)
        for row in mine.budget.report(DAYS):
            assert row.epsilon <= row.epsilon_guaranteed <= row.epsilon_cap * (1 + 1e-12)


def test_a_round_is_reserved_once(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        assert reserve(mine.budget, 1) is not None
        assert refused(mine, 1) is RefusalCode.CONTRACT_REPLAYED
        assert reserve(mine.budget, 2) is not None


def test_a_clock_set_back_gives_no_fresh_allowance(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        budget = mine.with_floor(replace(RESEARCH, rounds_per_day_max=2))
        assert reserve(budget, 1, dates(0)) is not None
        assert reserve(budget, 2, dates(0)) is not None
        assert refused(mine, 3, budget) is RefusalCode.ROUNDS_PER_DAY
        mine.clock.now -= 5 * SECONDS_PER_DAY
        assert refused(mine, 3, budget) is RefusalCode.ROUNDS_PER_DAY
        mine.clock.now += 6 * SECONDS_PER_DAY
        assert reserve(budget, 3, dates(0)) is not None


def test_a_release_needs_its_reserve_and_happens_once(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        contract = a_round()
        with pytest.raises(Refusal):
            mine.budget.release(contract, b"update")
        found = reserve(mine.budget, 1)
        assert found is not None
        entry = mine.budget.release(contract, b"update")
        assert (entry.body["reserve"], entry.body["bytes"]) == (found.seq, 6)
        assert mine.budget.release(contract, b"update") == entry  # sent again, told once
        with pytest.raises(Refusal) as caught:
            mine.budget.release(contract, b"another")
        assert caught.value.code is RefusalCode.INTERNAL
        mine.ledger.export(tmp_path / "export.jsonl")
        summary = verify_export((tmp_path / "export.jsonl").read_bytes())
        assert (summary.uploads, summary.bytes_out) == (1, 6)


def test_a_refusal_costs_nothing_and_floods_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REFUSALS_PER_DAY >= 100
    monkeypatch.setattr("deskbound_client.privacy.budget.REFUSALS_PER_DAY", 3)
    with laptop(tmp_path / "home") as mine:
        for _ in range(5):
            mine.budget.refuse(RefusalCode.SIGMA_TOO_LOW, a_round().digest())
        mine.clock.now += SECONDS_PER_DAY
        mine.budget.refuse(RefusalCode.CONTRACT_MALFORMED)
        assert kinds(mine) == ["genesis", "policy", *["refuse"] * 4]
        assert mine.budget.total() == 0.0


def test_a_day_cut_one_way_is_not_cut_another_way(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        reserve(mine.budget, 1, dates(0))
        found = reserve(mine.budget, 2, dates(1, 0), unit="day")
        assert found is not None
        assert found.days == dates(1)
        assert reserve(mine.budget, 3, dates(0), unit_seconds=300) is None
        assert reserve(mine.budget, 3, dates(0)) is not None


def test_a_day_whose_units_changed_after_a_charge_sits_out(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        assert reserve(mine.budget, 1, DAYS[:2]) is not None
        changed = {DAYS[0]: "another cut", DAYS[1]: "cut", DAYS[2]: "fresh"}
        assert mine.budget.plan(a_round(2), changed) == (DAYS[1], DAYS[2])


def test_another_attempt_at_a_round_is_charged_anew(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        assert reserve(mine.budget, 1) is not None
        once = mine.budget.spent(DAYS[0])[0]
        assert reserve(mine.budget, 1, noise_multiplier=9.0) is not None
        assert mine.budget.spent(DAYS[0])[0] > once


def test_forgetting_a_day_gives_nothing_back(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        reserve(mine.budget, 1)
        before, total = mine.budget.spent(DAYS[0]), mine.budget.total()
        mine.budget.forgotten("day", [DAYS[0]])
        mine.budget.retired(DAYS[1], "retention")
        assert mine.budget.spent(DAYS[0]) == before
        assert mine.budget.total() == total
        forget, retire = list(mine.ledger.entries())[-2:]
        assert forget.body == {"scope": "day", "blocks": [mine.budget.block_of(DAYS[0])]}
        assert retire.body == {"block": mine.budget.block_of(DAYS[1]), "reason": "retention"}


def test_a_bound_over_all_days_ends_it(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        reserve(mine.budget, 1, dates(1))
        once = mine.budget.total()
        budget = mine.with_floor(replace(RESEARCH, epsilon_total=1.5 * once))
        assert reserve(budget, 2, dates(0)) is None
        assert mine.budget.total() == once
        budget = mine.with_floor(replace(RESEARCH, epsilon_total=2.5 * once))
        assert reserve(budget, 2, dates(0)) is not None


def test_the_report_shows_what_the_ledger_says(tmp_path: Path) -> None:
    with laptop(tmp_path / "home") as mine:
        for number in (1, 2, 3):
            reserve(mine.budget, number, dates(1) if number == 3 else dates(1, 0))
        older, newer = mine.budget.report(dates(1, 0))
        assert (older.rounds, newer.rounds) == (3, 2)
        assert newer.epsilon < older.epsilon < older.epsilon_guaranteed
        (unused,) = mine.budget.report(dates(4))
        assert (unused.rounds, unused.epsilon, unused.epsilon_guaranteed) == (0, 0.0, 0.0)


def test_two_rounds_at_once_cannot_both_take_the_last_of_a_day(tmp_path: Path) -> None:
    """A second process that reserves between our plan and our reserve."""
    with laptop(tmp_path / "home") as mine:
        number = 1
        while len(mine.budget.plan(a_round(number), dict.fromkeys(dates(0), "cut"))) == 1:
            rival = LedgerStore(mine.vault, mine.clock)
            assert reserve(Budget(rival, RESEARCH, mine.clock), number, dates(0)) is not None
            number += 1
            if not mine.budget.plan(a_round(number), dict.fromkeys(dates(0), "cut")):
                assert reserve(mine.budget, number, dates(0)) is None
        assert number > 1


CRASH = """
import os, signal, sys
from pathlib import Path
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies.policy import PROFILES
from tests.helpers.privacy import DAYS, Clock, a_lattice, a_round
from tests.helpers.store import FileKeystore

home, when = Path(sys.argv[1]), sys.argv[2]
vault = Vault.open(home, FileKeystore(home.parent / "key"))
ledger = LedgerStore(vault, Clock())
budget = Budget(ledger, PROFILES["research"], Clock())
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if when == "inside":
    budget._state.remember_round = die
contract = a_round()
budget.reserve(contract, dict.fromkeys(DAYS, "cut"), a_lattice(contract))
die()
"""


@pytest.mark.parametrize(("when", "rounds"), [("inside", 0), ("after", 1)])
def test_a_crash_leaves_all_of_a_reserve_or_none(tmp_path: Path, when: str, rounds: int) -> None:
    home, keystore = tmp_path / "home", FileKeystore(tmp_path / "key")
    Vault.create(home, keystore).close()
    root = Path(__file__).parents[3]
    program = [sys.executable, "-c", textwrap.dedent(CRASH), str(home), when]
    ended = subprocess.run(
        program, check=False, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert ended.returncode == -signal.SIGKILL
    with Vault.open(home, keystore) as vault:
        ledger = LedgerStore(vault)
        blocks = PrivacyState(vault.database).blocks()
        reserves = list(ledger.entries(kinds=(LedgerKind.RESERVE,)))
        assert len(reserves) == rounds
        assert [block.charges for block in blocks] == [1] * len(DAYS) * rounds
        past = PrivacyState(vault.database).past_round(a_round().digest())
        assert (past is not None) == bool(rounds)
