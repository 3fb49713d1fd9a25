"""Tighter holds at once, looser waits, and nothing that is wrong with a file loosens."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import FloorKeeper, floor_in_force, floor_to_show
from deskbound_client.privacy.floors import Floors, Why
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.proposal import read_proposal
from deskbound_strategies.errors import ConfigError, DiskFullError, VaultDamagedError
from deskbound_strategies.floor import DEFAULT, PROFILES, PolicyFloor
from deskbound_strategies.floor_file import to_toml
from deskbound_strategies.floor_order import is_tighter
from tests.helpers.floors import floors, near
from tests.helpers.store import new_vault

STRICT, RESEARCH = PROFILES["strict"], PROFILES["research"]


@pytest.fixture
def home(tmp_path):
    vault, _ = new_vault(tmp_path / "home")
    yield HomePaths(vault.home), vault
    vault.close()


def write(paths, floor):
    paths.floor.write_bytes(floor if isinstance(floor, bytes) else to_toml(floor))


def test_the_first_look_adopts_what_the_file_says(home):
    paths, vault = home
    write(paths, RESEARCH)
    assert floor_in_force(paths, vault) == RESEARCH
    assert Floors(vault).held().why is Why.FIRST


def test_without_a_file_the_first_one_is_balanced(home):
    assert floor_in_force(*home) == DEFAULT


def test_a_first_file_that_cannot_be_read_is_an_error_and_nothing_holds(home):
    paths, vault = home
    write(paths, b"profile = 3")
    with pytest.raises(ConfigError):
        floor_in_force(paths, vault)
    assert Floors(vault).held() is None
    assert floor_to_show(vault) == DEFAULT


def test_a_tighter_file_holds_at_once_and_without_a_restart(home):
    paths, vault = home
    keeper = FloorKeeper(paths, vault)
    assert keeper.current() == DEFAULT
    write(paths, STRICT)
    assert keeper.current() == STRICT
    assert [one.why for one in Floors(vault).history()] == [Why.FIRST, Why.TIGHTER]


def test_a_looser_file_waits(home):
    paths, vault = home
    keeper = FloorKeeper(paths, vault)
    keeper.current()
    write(paths, RESEARCH)
    found = keeper.state()
    assert (found.held.floor, found.waiting) == (DEFAULT, RESEARCH)
    assert any(one.looser for one in found.differences)
    assert Floors(vault).number == 1


def test_a_profile_that_became_looser_since_waits_like_any_other(home):
    """An older version's ``balanced`` goes on to hold, and the vault is not damaged by its age."""
    paths, vault = home
    before = replace(DEFAULT, unsampled_tasks=())
    assert before.profile == "balanced"
    Floors(vault).adopt(before, Why.FIRST)
    write(paths, DEFAULT)
    found = FloorKeeper(paths, vault).state()
    assert (found.held.floor, found.waiting) == (before, DEFAULT)
    assert [one.name for one in found.differences] == ["unsampled_tasks"]
    assert floor_to_show(vault) == before


@pytest.mark.parametrize("data", [b"", b"\xff", b"epsilon_day = 99.0", b"clip_maximum = 1.0", None])
def test_a_file_that_is_gone_or_broken_never_loosens(home, data):
    paths, vault = home
    write(paths, STRICT)
    keeper = FloorKeeper(paths, vault)
    assert keeper.current() == STRICT
    paths.floor.unlink() if data is None else write(paths, data)
    found = keeper.state()
    assert found.held.floor == STRICT
    assert (found.proposal.trouble is None) == (data in (b"", None))
    # An empty file is a file: it proposes the balanced profile, which is looser here.
    assert found.waiting == (DEFAULT if data == b"" else None)


def test_another_process_adopting_is_noticed(home):
    paths, vault = home
    keeper = FloorKeeper(paths, vault)
    keeper.current()
    Floors(vault).adopt(RESEARCH, Why.ACCEPTED)
    assert keeper.current() == RESEARCH


@pytest.mark.parametrize("rival", [STRICT, replace(STRICT, clip_max=0.5, profile="custom")])
def test_a_process_that_was_faster_decides(home, monkeypatch, rival):
    paths, vault = home
    keeper = FloorKeeper(paths, vault)
    keeper.current()
    write(paths, replace(STRICT, sigma_min=1.5, profile="custom"))

    def meanwhile(new, old):
        Floors(vault).adopt(rival, Why.TIGHTER)
        return is_tighter(new, old)

    with monkeypatch.context() as patch:
        patch.setattr("deskbound_client.privacy.floor_keeper.is_tighter", meanwhile)
        assert keeper.current() == rival
    assert keeper.current() == rival


def test_where_nothing_can_be_written_the_tighter_one_holds_all_the_same(home, monkeypatch):
    paths, vault = home
    keeper = FloorKeeper(paths, vault)
    keeper.current()
    write(paths, STRICT)

    def full(*_):
        raise DiskFullError("There is no room.", "Make some.")

    with monkeypatch.context() as patch:
        patch.setattr(LedgerStore, "append", full)
        assert keeper.current() == STRICT
        assert Floors(vault).held().floor == DEFAULT
    assert keeper.current() == STRICT
    assert Floors(vault).held().floor == STRICT


def test_a_damaged_record_holds_nothing_and_keeps_nobody_from_forgetting(home):
    paths, vault = home
    floor_in_force(paths, vault)
    vault.database.execute("DROP TRIGGER floors_are_never_rewritten")
    vault.database.execute("UPDATE policy_floors SET envelope = x'00'")
    with pytest.raises(VaultDamagedError):
        floor_in_force(paths, vault)
    assert floor_to_show(vault) == DEFAULT


@given(data=st.data())
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_sequence_of_files_loosens(tmp_path_factory, data):
    vault, _ = new_vault(tmp_path_factory.mktemp("vault") / "home")
    paths = HomePaths(vault.home)
    keeper = FloorKeeper(paths, vault)
    held: PolicyFloor = keeper.current()
    for _ in range(6):
        proposed = data.draw(st.one_of(floors(), near(held), st.just(b"broken"), st.none()))
        if proposed is None:
            paths.floor.unlink(missing_ok=True)
        else:
            write(paths, proposed)
        now = keeper.current()
        assert is_tighter(now, held)
        asked = read_proposal(paths.floor, paths.floor_signature, None).floor
        if asked is not None:
            assert now == (asked if is_tighter(asked, held) else held)
        held = now
    assert Floors(vault).held().floor == held
    vault.close()
