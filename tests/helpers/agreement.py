"""Real keys, contracts, ledgers and layouts for the tests of the agreement."""

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_strategies.contract import RoundContract
from deskbound_strategies.ledger import LedgerEntry, append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.vocabulary import VOCABULARY_HASH

AT = 1_795_240_000


def signing_key(seed: int = 1) -> Ed25519PrivateKey:
    """A key that is the same in every run, so that failures can be repeated."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def a_contract(**changes: Any) -> RoundContract:
    """A well-formed contract with some terms changed."""
    contract = RoundContract(
        run="ab" * 16,
        round=1,
        task="next_action",
        profile="balanced",
        vocabulary_hash=VOCABULARY_HASH,
        model_hash="cd" * 32,
        anchors="ef" * 32,
        unit="session",
        unit_seconds=600,
        unit_actions=256,
        sampling_rate=0.1,
        noise_multiplier=1.1,
        clip=1.0,
        steps=10,
        divisor=20.0,
        local_optimizer="adam",
        learning_rate=0.001,
        aggregation="plain",
        minimum_cohort=3,
        issued=AT,
        deadline=AT + 3600,
        client_version_min="0.1.0",
        client_version_below="0.2.0",
    )
    return replace(contract, **changes)


def a_body(kind: LedgerKind) -> dict[str, Any]:
    """A well-formed body of a kind."""
    contract = a_contract()
    lattice = Lattice(contract.clip, 1000, contract.noise_multiplier)
    bodies: dict[LedgerKind, dict[str, Any]] = {
        LedgerKind.GENESIS: {"format": 1, "client_version": "0.1.0"},
        LedgerKind.JOIN: {"action": "join", "server_key": "12" * 32},
        LedgerKind.POLICY: {"floor": "34" * 32, "profile": "balanced"},
        LedgerKind.CONSENT: {"subject": "keys", "version": 1, "granted": True},
        LedgerKind.PAUSE: {"timed": False},
        LedgerKind.RESUME: {"by": "person"},
        LedgerKind.RESERVE: {
            "contract": contract.digest(),
            "run": contract.run,
            "round": contract.round,
            "task": contract.task,
            "unit": contract.unit,
            "mechanism": "rounded-gaussian",
            "sampling_rate": contract.sampling_rate,
            "noise_multiplier": contract.noise_multiplier,
            "clip": contract.clip,
            "steps": contract.steps,
            "lattice": {
                "dimension": lattice.dimension,
                "step": lattice.step,
                "sensitivity": lattice.sensitivity,
                "scale": lattice.scale,
            },
            "epsilon": 3.0,
            "delta": 1e-6,
            "blocks": ["01" * 16, "02" * 16],
        },
        LedgerKind.RELEASE: {
            "contract": contract.digest(),
            "reserve": 1,
            "update": "56" * 32,
            "bytes": 4040,
        },
        LedgerKind.REFUSE: {"contract": contract.digest(), "code": "sigma-too-low"},
        LedgerKind.RETIRE: {"block": "01" * 16, "reason": "retention"},
        LedgerKind.FORGET: {"scope": "range", "blocks": ["02" * 16]},
        LedgerKind.STOP: {"order": "0a" * 16, "reason": "security"},
    }
    return bodies[kind]


def a_chain(*kinds: LedgerKind, key: Ed25519PrivateKey | None = None) -> list[LedgerEntry]:
    """A ledger: genesis, then an entry of each kind."""
    key = key or signing_key()
    entries = [append(None, LedgerKind.GENESIS, a_body(LedgerKind.GENESIS), key, at=AT)]
    for kind in kinds:
        entries.append(append(entries[-1], kind, a_body(kind), key, at=AT))
    return entries


def an_export(*kinds: LedgerKind, key: Ed25519PrivateKey | None = None) -> bytes:
    """The export of such a ledger."""
    key = key or signing_key()
    return b"".join(export(a_chain(*kinds, key=key), key))
