"""Reading an exported ledger as a stranger would: trust nothing, name the line that is wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger import (
    EXPORT_FORMAT,
    HEAD_TYPE,
    NO_ENTRY,
    LedgerEntry,
    verify_chain,
)
from deskbound_strategies.ledger_bodies import LedgerKind

_MEND = "Ask for a fresh export; if that fails too, treat the ledger as tampered with."


@dataclass(frozen=True, slots=True)
class Charge:
    """One sampled-Gaussian event as a reserve entry states it: all an accountant needs.

    Attributes:
        unit: what one sample is, ``session`` or ``day``; adjacency is add/remove one.
        sampling_rate: Poisson sampling probability of a unit in each step.
        noise_multiplier: noise standard deviation over sensitivity.
        steps: steps of this round.
        dimension: coordinates of an update; each noise draw is off by at most 2^-60 in
            statistical distance, so a round adds ``steps * dimension * 2^-60`` to delta.
    """

    unit: str
    sampling_rate: float
    noise_multiplier: float
    steps: int
    dimension: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What the laptop said about one round: its mechanism and what it costs, for that round alone.

    Attributes:
        charge: the event to account for.
        task: what it was for; None in entries of older clients, which do not tell.
        clip: L2 bound of one unit's contribution.
        step: distance between lattice points.
        sensitivity: what one unit can move the rounded sum by, L2.
        scale: noise standard deviation in lattice steps.
        epsilon: the stated cost.
        delta: the delta it was stated at.
    """

    charge: Charge
    task: str | None
    clip: float
    step: float
    sensitivity: float
    scale: float
    epsilon: float
    delta: float


@dataclass(slots=True)
class LedgerSummary:
    """What a verified export says, in totals.

    Attributes:
        key_fingerprint: SHA-256 (hex) of the device's public key: its pseudonym.
        head: digest of the last entry.
        entries: number of entries.
        kinds: entries of each kind.
        refusals: refusals of each code.
        rounds: distinct (run, round) pairs for which budget was reserved.
        uploads: updates that left.
        bytes_out: bytes of those updates.
        charges: for each block, how often each charge was made against it.
        claims: how often each claim about a round was made.
        paid: what was claimed about each contract that budget was reserved for.
        released: the contracts under which an update left.
        rounds_paid: how often each charge was made against how many blocks at once.
        floor: digest of the policy floor in force at the end; empty when the ledger names none.
    """

    key_fingerprint: str
    head: str = NO_ENTRY
    entries: int = 0
    kinds: Counter[LedgerKind] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    rounds: set[tuple[str, int]] = field(default_factory=set)
    uploads: int = 0
    bytes_out: int = 0
    charges: dict[str, Counter[Charge]] = field(default_factory=dict)
    claims: Counter[Claim] = field(default_factory=Counter)
    paid: dict[str, Claim] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    rounds_paid: Counter[tuple[Charge, int]] = field(default_factory=Counter)
    floor: str = ""


def verify_export(
    data: bytes, expected_key: str | None = None, *, every_signature: bool = True
) -> LedgerSummary:
    """Verify an export and sum it up.

    Args:
        data: the whole file.
        expected_key: fingerprint (hex) the ledger must be signed with. Without it the file's own
            key is used, which shows that the file is whole, not whose it is.
        every_signature: also check every entry's own signature, which the signed head covers
            already (see ``ledger.verify_chain``).

    Raises:
        VerificationError: naming the first line that is wrong; any changed, missing, added or
            moved byte is one.
    """
    if not data.endswith(b"\n"):
        raise VerificationError("The last line of the ledger is cut off.", _MEND)
    lines = data[:-1].split(b"\n")
    public_key = _header_key(lines[0])
    if expected_key is not None and dsse.fingerprint(public_key) != expected_key:
        raise VerificationError("Line 1: the ledger belongs to another device.", _MEND)
    summary = LedgerSummary(dsse.fingerprint(public_key))
    head = _head(lines[-1], len(lines), public_key)
    chain = verify_chain(lines[1:-1], public_key, every_signature=every_signature)
    reserves: dict[int, str] = {}
    for number, entry in _numbered(chain):
        _add(summary, entry, reserves, number)
    if head != {"size": summary.entries, "head": summary.head}:
        raise VerificationError(f"Line {len(lines)}: the head is not that of the entries.", _MEND)
    return summary


def _header_key(line: bytes) -> Ed25519PublicKey:
    try:
        header = parse_canonical(line)
        public = bytes.fromhex(header["public_key"])
        key = Ed25519PublicKey.from_public_bytes(public)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        raise VerificationError("Line 1: this is not a ledger export.", _MEND) from None
    if canonical_bytes({"format": EXPORT_FORMAT, "public_key": public.hex()}) != line:
        raise VerificationError("Line 1: this is not a ledger export.", _MEND)
    return key


def _head(line: bytes, number: int, public_key: Ed25519PublicKey) -> Any:
    try:
        return parse_canonical(dsse.verify(line, HEAD_TYPE, public_key))
    except (VerificationError, ValueError):
        raise VerificationError(f"Line {number}: there is no signed head.", _MEND) from None


def _numbered(chain: Iterable[LedgerEntry]) -> Iterator[tuple[int, LedgerEntry]]:
    """Yield entries with their line numbers, and put the number into what goes wrong."""
    number = 1
    entries = iter(chain)
    while True:
        number += 1
        try:
            entry = next(entries)
        except StopIteration:
            return
        except VerificationError as error:
            raise VerificationError(f"Line {number}: {error.sentence}", error.mend) from None
        yield number, entry


def _add(summary: LedgerSummary, entry: LedgerEntry, reserves: dict[int, str], number: int) -> None:
    summary.entries += 1
    summary.head = entry.digest
    summary.kinds[entry.kind] += 1
    match entry.kind:
        case LedgerKind.RESERVE:
            reserves[entry.seq] = entry.body["contract"]
            _add_reserve(summary, entry.body)
        case LedgerKind.RELEASE:
            # Each reserve pays for one update; what has no reserve was never paid for.
            if reserves.pop(entry.body["reserve"], None) != entry.body["contract"]:
                raise VerificationError(
                    f"Line {number}: an update left without its own reserve.", _MEND
                )
            summary.uploads += 1
            summary.released.add(entry.body["contract"])
            summary.bytes_out += cast("int", entry.body["bytes"])
        case LedgerKind.REFUSE:
            summary.refusals[entry.body["code"]] += 1
        case LedgerKind.POLICY:
            summary.floor = entry.body["floor"]
        case _:
            pass


def _add_reserve(summary: LedgerSummary, body: dict[str, Any]) -> None:
    lattice = body["lattice"]
    charge = Charge(
        body["unit"],
        body["sampling_rate"],
        body["noise_multiplier"],
        body["steps"],
        lattice["dimension"],
    )
    claim = Claim(
        charge,
        body.get("task"),
        body["clip"],
        lattice["step"],
        lattice["sensitivity"],
        lattice["scale"],
        body["epsilon"],
        body["delta"],
    )
    summary.rounds.add((body["run"], body["round"]))
    summary.claims[claim] += 1
    summary.paid[body["contract"]] = claim
    summary.rounds_paid[charge, len(body["blocks"])] += 1
    for block in body["blocks"]:
        summary.charges.setdefault(block, Counter())[charge] += 1
