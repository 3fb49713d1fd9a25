"""The statement in the documentation: the demo's floor and plan, and a ledger made for the purpose.

Keys and times are fixed, so the page is the same on every machine; nothing in it is anybody's.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_audit.statement.facts import Given, facts
from deskbound_audit.statement.inputs import Plan, read_ledger, read_plan
from deskbound_audit.statement.render import render
from deskbound_strategies.accounting import curve_of, epsilon_of, noise_delta
from deskbound_strategies.codec import HEADER_BYTES
from deskbound_strategies.ledger import LedgerEntry, append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.mechanism import Lattice
from deskbound_strategies.next_action import TASK
from deskbound_strategies.policy import PROFILES, PolicyFloor

PLAN = Path(__file__).parent.parent / "server/deskbound_server/plans/demo.toml"
PROFILE = "research"  # the demo's
MARK = (
    "> **An example, made by `make docs`** from the demo's policy floor and round plan and a "
    "ledger with made-up rounds (`tools/example_statement.py`). Make your own with "
    "`deskbound-audit statement`."
)
DAYS, ROUNDS = 6, 15
START = 1_767_603_600  # 2026-01-05 09:00 UTC
HOUR = 3600


def render_statement() -> str:
    """Return the example as Markdown."""
    floor, plan = PROFILES[PROFILE], read_plan(PLAN)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        path.write_bytes(b"".join(export(_entries(floor, plan, key), key)))
        given = Given(floor=floor, ledgers=[read_ledger(path)], plan=plan)
        return render(facts(given), MARK)


def _entries(floor: PolicyFloor, plan: Plan, key: Ed25519PrivateKey) -> Iterator[LedgerEntry]:
    """Yield a week: consent on Monday, all planned rounds on Saturday, over six days of data."""
    last = append(None, LedgerKind.GENESIS, {"format": 1, "client_version": "0.1.0"}, key, at=START)
    yield last
    blocks = [f"{day:032x}" for day in range(1, DAYS + 1)]
    size = sum(spec.elements for spec in TASK.layout())
    lattice = Lattice(plan.clip, size, plan.noise_multiplier)
    steps: list[tuple[LedgerKind, dict[str, object], int]] = [
        (LedgerKind.POLICY, {"floor": floor.digest(), "profile": PROFILE}, 0),
        (LedgerKind.CONSENT, {"subject": "updates", "version": 1, "granted": True}, 0),
        (LedgerKind.REFUSE, {"contract": "ef" * 32, "code": "sigma-too-low"}, 100),
    ]
    steps += [
        (LedgerKind.RESERVE, _reserve(floor, plan, lattice, number, blocks), 120)
        for number in range(1, ROUNDS + 1)
    ]
    for kind, body, hours in steps:
        last = append(last, kind, body, key, at=START + hours * HOUR)
        yield last
        if kind is LedgerKind.RESERVE:
            sent = {"contract": body["contract"], "reserve": last.seq, "update": "cd" * 32}
            size_sent = {"bytes": 4 * size + HEADER_BYTES}
            last = append(last, LedgerKind.RELEASE, sent | size_sent, key, at=last.at)
            yield last


def _reserve(
    floor: PolicyFloor, plan: Plan, lattice: Lattice, number: int, blocks: list[str]
) -> dict[str, object]:
    delta = floor.delta_day
    spare = noise_delta(plan.steps, lattice.dimension)
    return {
        "contract": f"{number:064x}",
        "run": "ab" * 16,
        "round": number,
        "task": plan.task,
        "unit": plan.unit,
        "mechanism": "rounded-gaussian",
        "sampling_rate": plan.sampling_rate,
        "noise_multiplier": plan.noise_multiplier,
        "clip": plan.clip,
        "steps": plan.steps,
        "lattice": {
            "dimension": lattice.dimension,
            "step": lattice.step,
            "sensitivity": lattice.sensitivity,
            "scale": lattice.scale,
        },
        "epsilon": epsilon_of(curve_of(plan.event), delta - spare),
        "delta": delta,
        "blocks": blocks,
    }
