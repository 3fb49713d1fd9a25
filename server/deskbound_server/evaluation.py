"""What a private evaluation told: how often the model it tried is right on laptops.

Read anew from the weights that the round began with and released, each time it is looked at.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from deskbound_server.model_store import ModelStore
from deskbound_server.plan import TRIALS, RoundPlan
from deskbound_server.schema import RoundRow, RoundState
from deskbound_strategies.codec import decode

if TYPE_CHECKING:
    from deskbound_strategies.next_action_hits import Estimate

WORDS = {"hit1": "first guess", "hit5": "among five", "mrr": "reciprocal rank"}
NOTE = (
    "Means over the units of days that laptops hold out, plus or minus what the noise makes of "
    "them; that there are only so many units comes on top."
)
NOTHING = "No figure rises above the noise: ask more laptops, more steps, or pay more epsilon."

Found = dict[tuple[str, str], "Estimate"]


def evaluated(plan: RoundPlan, rows: Sequence[RoundRow], models: ModelStore) -> Found | None:
    """Return what the last released round of a run told; None for a run that evaluates nothing.

    Raises:
        NotFoundError, VaultDamagedError: its weights are gone or were changed.
    """
    last = [row for row in rows if row.state is RoundState.RELEASED][-1:]
    if plan.task not in TRIALS or not last:
        return None

    from deskbound_strategies.next_action_hits import TASK, read_hits  # noqa: PLC0415 - torch

    names = last[0].model_in, last[0].model_out
    return read_hits(*(decode(models.load(name), TASK.layout()) for name in names))


def lines(found: Found) -> list[tuple[str, list[str]]]:
    """Return each of action, kind and argument with its figures in words."""
    from deskbound_strategies.next_action_hits import NAMES  # noqa: PLC0415 - loads torch: seconds

    what = dict.fromkeys(name for name, _ in NAMES)
    return [(name, [_told(found.get((name, figure))) for figure in WORDS]) for name in what]


def as_dict(found: Found) -> dict[str, dict[str, float]]:
    """Return it for a program: by names such as ``action hit1``."""
    return {" ".join(name): asdict(one) for name, one in found.items()}


def _told(found: "Estimate | None") -> str:
    return "-" if found is None else f"{found.value:.3f} ± {found.error:.3f}"
