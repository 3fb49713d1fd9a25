"""A ledger that a real laptop's code wrote, read by the auditor, who shares none of that code."""

import pytest

from deskbound_audit.verify import verify_file
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies import dsse
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.floor import PROFILES
from deskbound_strategies.mechanism import Lattice
from tests.helpers.agreement import AT, a_contract
from tests.helpers.store import DAY, MemoryKeystore

DIMENSION = 5000


@pytest.fixture
def exported(tmp_path):
    vault = Vault.create(tmp_path / "home", MemoryKeystore())
    store = LedgerStore(vault, clock=lambda: AT)
    budget = Budget(store, PROFILES["research"], clock=lambda: AT)
    for number in (1, 2):
        contract = a_contract(round=number, noise_multiplier=1.5)
        lattice = Lattice(contract.clip, DIMENSION, contract.noise_multiplier)
        assert budget.reserve(contract, {DAY: "cut"}, lattice) is not None
        if number == 1:
            budget.release(contract, b"update" * 100)
    budget.refuse(RefusalCode.SIGMA_TOO_LOW)
    path = tmp_path / "laptop.jsonl"
    store.export(path)
    (spent,) = budget.report([DAY])
    yield path, dsse.fingerprint(vault.signing_key().public_key()), spent
    vault.close()


def test_the_auditor_accepts_it_and_comes_to_the_laptops_own_figure(exported):
    path, device, spent = exported
    verdict = verify_file(path, {device})
    assert verdict.problem == ""
    assert (len(verdict.summary.rounds), verdict.summary.uploads) == (2, 1)
    assert verdict.summary.bytes_out == 600
    assert verdict.summary.refusals == {"sigma-too-low": 1}
    assert verdict.loss.rounds == spent.rounds == 2
    assert verdict.loss.delta == spent.delta
    assert verdict.loss.epsilon_prv == pytest.approx(spent.epsilon, rel=0.01)
    assert verdict.loss.epsilon_second == pytest.approx(spent.epsilon, rel=0.01)


def test_any_one_changed_byte_is_rejected(exported):
    path, _, _ = exported
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        path.write_bytes(bytes(changed))
        assert not verify_file(path).accepted
