"""Figures are worked out once: what is remembered is what would be worked out, or is not used."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.privacy import report
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.vault import Vault
from deskbound_strategies.accounting import SampledGaussian
from deskbound_strategies.errors import DiskFullError
from tests.helpers.privacy import Laptop, a_lattice, a_round, dates, laptop
from tests.helpers.store import FileKeystore


def learn(mine: Laptop, number: int, *back: int, **changes: object) -> None:
    asked = a_round(number, **changes)
    days = dict.fromkeys(dates(*back), "cut")
    assert mine.budget.reserve(asked, days, a_lattice(asked)) is not None


def figures(mine: Laptop) -> list[tuple[bytes, bytes]]:
    return [tuple(row) for row in mine.vault.database.execute("SELECT * FROM privacy_epsilons")]


def forget_figures(mine: Laptop) -> None:
    mine.vault.database.execute("DELETE FROM privacy_epsilons")


@pytest.fixture
def mine(tmp_path: Path):
    with laptop(tmp_path / "home") as found:
        learn(found, 1, 0, 1)
        learn(found, 2, 1, sampling_rate=0.2)
        yield found


def test_what_is_remembered_is_what_is_worked_out_anew(mine: Laptop) -> None:
    first = mine.budget.report(dates(0, 1, 2))
    assert len(figures(mine)) == 2  # a day that no round charged needs none
    assert mine.budget.report(dates(0, 1, 2)) == first
    forget_figures(mine)
    assert mine.budget.report(dates(0, 1, 2)) == first


def test_it_is_not_worked_out_twice(mine: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = mine.budget.report(dates(0, 1))
    monkeypatch.setattr(report, "epsilon_prv", lambda *_: pytest.fail("worked out again"))
    assert mine.budget.report(dates(0, 1)) == first


def test_another_round_makes_another_figure(mine: Laptop) -> None:
    (before,) = mine.budget.report(dates(0))
    learn(mine, 3, 0)
    (after,) = mine.budget.report(dates(0))
    assert after.epsilon > before.epsilon


@pytest.mark.parametrize("harm", ["a bit", "another's value", "short", "empty", "not a number"])
def test_a_damaged_figure_is_worked_out_again_and_mended(mine: Laptop, harm: str) -> None:
    truth = mine.budget.report(dates(0, 1))
    (one, value), (_, other) = before = figures(mine)
    bad = {
        "a bit": value[:3] + bytes([value[3] ^ 4]) + value[4:],
        "another's value": other,
        "short": value[:8],
        "empty": b"",
        "not a number": bytes.fromhex("000000000000f87f") + value[8:],
    }[harm]
    mine.vault.database.execute("UPDATE privacy_epsilons SET value = ? WHERE name = ?", (bad, one))
    assert PrivacyState(mine.vault.database).epsilon(one) is None
    assert mine.budget.report(dates(0, 1)) == truth
    assert figures(mine) == before


@pytest.mark.parametrize("other", ["delta", "accountant", "order", "rounds"])
def test_whatever_determines_a_figure_is_in_its_name(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = SampledGaussian(0.1, 2.0, 10), SampledGaussian(0.1, 3.0, 10)
    name = report._name_of([a, b], 1e-5)
    if other == "accountant":
        monkeypatch.setattr(report, "_accountant", lambda: "opacus 99.0.0")
    events = {"order": [b, a], "rounds": [a, b, b]}.get(other, [a, b])
    assert report._name_of(events, 1e-6 if other == "delta" else 1e-5) != name


def test_a_full_disk_shows_figures_all_the_same(
    mine: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise DiskFullError("There is no room.", "Make some.")

    truth = mine.budget.report(dates(0, 1))
    forget_figures(mine)
    monkeypatch.setattr(PrivacyState, "keep_epsilon", no_room)
    assert mine.budget.report(dates(0, 1)) == truth
    assert figures(mine) == []


@given(
    values=st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.floats(min_value=0.0))),
)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_figure_comes_back_as_it_was(mine: Laptop, values: list[tuple[bytes, float]]) -> None:
    state = PrivacyState(mine.vault.database)
    for name, epsilon in values:
        state.keep_epsilon(name, epsilon)
        assert state.epsilon(name) == epsilon
    forget_figures(mine)


LOOK = """
import sys
from pathlib import Path
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies.policy import PROFILES
from tests.helpers.privacy import dates
from tests.helpers.store import FileKeystore

home = Path(sys.argv[1])
with Vault.open(home, FileKeystore(home.parent / "key")) as vault:
    budget = Budget(LedgerStore(vault), PROFILES["research"])
    print([day.epsilon for day in budget.report(dates(0, 1))])
print(sorted({"torch", "opacus"} & set(sys.modules)))
"""


def test_a_second_look_loads_neither_torch_nor_opacus(tmp_path: Path) -> None:
    home, keystore = tmp_path / "home", FileKeystore(tmp_path / "key")
    with Vault.create(home, keystore) as vault:
        from deskbound_client.privacy.budget import Budget
        from deskbound_client.privacy.ledger_store import LedgerStore
        from deskbound_strategies.policy import PROFILES

        budget = Budget(LedgerStore(vault), PROFILES["research"])
        asked = a_round()
        budget.reserve(asked, dict.fromkeys(dates(0, 1), "cut"), a_lattice(asked))
        expected = [day.epsilon for day in budget.report(dates(0, 1))]
    root = Path(__file__).parents[3]
    program = [sys.executable, "-c", textwrap.dedent(LOOK), str(home)]
    paths = os.pathsep.join(str(root / part) for part in (".", "client", "strategies"))
    said = subprocess.run(
        program, check=True, capture_output=True, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert said.stdout.splitlines() == [str(expected), "[]"]
