"""What a ledger gives away, computed anew from its entries; the laptop's own figures are checked.

Two accountants: the project's (Renyi and numerical, from Opacus) and, where it is installed,
Google's dp-accounting (privacy loss distributions), which shares no code with the first.
"""

import importlib.util
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from deskbound_strategies.accounting import (
    RdpCurve,
    SampledGaussian,
    curve_of,
    epsilon_of,
    epsilon_prv,
    noise_delta,
)
from deskbound_strategies.composition import composed
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger_export import Charge, Claim, LedgerSummary

ROUNDING = 1e-9  # relative; what the last bits of two correct computations may differ by
TOLERANCE = 0.01  # relative; by how much two accountants may differ
MEANINGLESS = 64.0  # an epsilon beyond which no figure is worth computing twice

_MEND = "Ask for the laptop's client version; a correct client never writes such an entry."


@dataclass(frozen=True, slots=True)
class BlockLoss:
    """What the ledger gives away about one unit of its most charged block.

    Attributes:
        unit: privacy unit, adjacency add/remove one: ``session``, ``day``, or both where a block
            was charged under both (then no single unit describes it).
        delta: at which the epsilons hold.
        epsilon_prv: numerical upper bound, as if the rounds had been fixed in advance.
        epsilon_renyi: Renyi upper bound of the same.
        epsilon_second: dp-accounting's figure, ``None`` when it is not installed.
        rounds: rounds that charged this block.
    """

    unit: str
    delta: float
    epsilon_prv: float
    epsilon_renyi: float
    epsilon_second: float | None
    rounds: int

    @property
    def agreed(self) -> bool:
        """Whether the second accountant, where there is one, came to the same figure."""
        second = self.epsilon_second
        return second is None or math.isclose(second, self.epsilon_prv, rel_tol=TOLERANCE)


def check_claims(summary: LedgerSummary) -> None:
    """Check that every reserve states a sound mechanism and does not understate its cost.

    Raises:
        VerificationError: when one does not.
    """
    for claim in summary.claims:
        _check_lattice(claim)
        charge = claim.charge
        once = Counter([charge])
        if claim.epsilon >= _renyi(once, claim.delta):
            continue  # the looser bound is stated; the tighter one takes a second to compute
        cost = _numerical(once, claim.delta)
        if claim.epsilon < cost * (1 - TOLERANCE):
            raise VerificationError(
                f"A reserve states epsilon {claim.epsilon:.3g} for a round that costs {cost:.3g}.",
                _MEND,
            )


def worst_block(summary: LedgerSummary, delta: float | None = None) -> BlockLoss | None:
    """Return the loss of the most charged block, ``None`` when nothing was ever reserved.

    Args:
        summary: of a verified export.
        delta: at which to state epsilon; by default the smallest that the reserves name.
    """
    if not summary.charges:
        return None
    at = _delta(summary, delta)
    distinct = {frozenset(charges.items()) for charges in summary.charges.values()}
    return loss_of(max(distinct, key=lambda charges: _renyi(dict(charges), at)), at)


def block_losses(summary: LedgerSummary, delta: float | None = None) -> dict[str, BlockLoss]:
    """Return the loss of every block, by its pseudonym; the arguments are ``worst_block``'s."""
    if not summary.charges:
        return {}
    at = _delta(summary, delta)
    return {
        block: loss_of(frozenset(charges.items()), at) for block, charges in summary.charges.items()
    }


def _delta(summary: LedgerSummary, delta: float | None) -> float:
    return min(claim.delta for claim in summary.claims) if delta is None else delta


@lru_cache(maxsize=4096)
def loss_of(distinct: frozenset[tuple[Charge, int]], at: float) -> BlockLoss:
    """Return the loss of a block that was charged so; days of one fleet are mostly charged alike.

    Args:
        distinct: each charge, and how often it was made.
        at: delta.
    """
    charges = Counter(dict(distinct))
    return BlockLoss(
        unit="+".join(sorted({charge.unit for charge in charges})),
        delta=at,
        epsilon_prv=_numerical(charges, at),
        epsilon_renyi=_renyi(charges, at),
        epsilon_second=second_opinion(charges, at),
        rounds=charges.total(),
    )


def all_rounds(summary: LedgerSummary, delta: float) -> float:
    """Return epsilon of all rounds for who left one unit in each day (``composition.composed``)."""
    # Equal rounds at once: their curve is a multiple of one round's.
    paid = summary.rounds_paid.items()
    rounds = ((event_of_charge(charge, count), days) for (charge, days), count in paid)
    return composed(rounds, delta)


def second_opinion(charges: Mapping[Charge, int], delta: float) -> float | None:
    """Return dp-accounting's epsilon of the charges, ``None`` when it is not installed.

    Also ``None`` for losses so large that they say nothing, where it would take gigabytes.
    """
    if importlib.util.find_spec("dp_accounting") is None or _renyi(charges, delta) > MEANINGLESS:
        return None
    import dp_accounting  # noqa: PLC0415 - optional
    from dp_accounting import pld  # noqa: PLC0415 - optional

    accountant = pld.PLDAccountant()
    for charge, count in charges.items():
        gaussian = dp_accounting.GaussianDpEvent(charge.noise_multiplier)
        event = dp_accounting.PoissonSampledDpEvent(charge.sampling_rate, gaussian)
        accountant.compose(event, charge.steps * count)
    return float(accountant.get_epsilon(_noise_taken_off(charges, delta)))


def _check_lattice(claim: Claim) -> None:
    """Check the two inequalities that make the released values differentially private."""
    sound = 1 - ROUNDING
    reach = claim.clip + math.sqrt(claim.charge.dimension) * claim.step
    if claim.sensitivity < reach * sound:
        raise VerificationError("A reserve states a sensitivity below clip plus rounding.", _MEND)
    if claim.scale * claim.step < claim.charge.noise_multiplier * claim.sensitivity * sound:
        raise VerificationError("A reserve states less noise than its multiplier asks.", _MEND)


def _numerical(charges: Mapping[Charge, int], delta: float) -> float:
    events = [event_of_charge(charge, count) for charge, count in charges.items()]
    return epsilon_prv(events, _noise_taken_off(charges, delta))


def _renyi(charges: Mapping[Charge, int], delta: float) -> float:
    return epsilon_of(curve_of_charges(charges), _noise_taken_off(charges, delta))


def curve_of_charges(charges: Mapping[Charge, int]) -> RdpCurve:
    """Return the Renyi curve of charges, each with how often it was made."""
    curves = (curve_of(event_of_charge(charge, count)) for charge, count in charges.items())
    return sum(curves, RdpCurve())


def event_of_charge(charge: Charge, count: int = 1) -> SampledGaussian:
    """Return a charge made so often, as an accountant takes it."""
    return SampledGaussian(charge.sampling_rate, charge.noise_multiplier, charge.steps * count)


def _noise_taken_off(charges: Mapping[Charge, int], delta: float) -> float:
    """Return delta less what the noise sampler's distance to the ideal adds to it."""
    return delta - sum(
        noise_delta(charge.steps * count, charge.dimension) for charge, count in charges.items()
    )
