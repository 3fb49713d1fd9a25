"""Which of the ways to combine replies a contract names, to the server and to people."""

from pathlib import Path

from deskbound_strategies.aggregation import Aggregator, StreamingMean
from deskbound_strategies.codec import Layout
from deskbound_strategies.contract import PLAIN, TOLD, RoundContract
from deskbound_strategies.robust import SpooledTrimmedMean
from deskbound_strategies.weighed_counts import WeighedCounts


def aggregator_for(asked: RoundContract, layout: Layout, folder: Path | None = None) -> Aggregator:
    """Return a fresh aggregator; whoever asks for it closes it.

    Args:
        asked: the contract, whose ``aggregation`` it is.
        layout: names and shapes of the updates to come.
        folder: where replies may wait; the system's own for temporary files by default.

    Raises:
        ValueError: for an aggregation of another name, or one that the round has nothing for.
        DiskFullError: the folder takes no file.
    """
    if asked.aggregation == PLAIN:
        return StreamingMean(layout)
    if asked.aggregation == TOLD:
        return WeighedCounts(asked, layout, folder)
    return SpooledTrimmedMean(layout, asked.aggregation, folder)


def combining_words(aggregation: str, told_mean: float = 0.0) -> str:
    """Return how replies are combined.

    Args:
        aggregation: as a contract says it.
        told_mean: what laptops told on average in private counts, in clips; 0 where they count
            alike.
    """
    if aggregation.startswith("trimmed-mean-"):
        return f"a mean without {int(aggregation[-2:])}% at each end of every number"
    if aggregation == TOLD:
        return "a mean in which laptops count by what they tell in this round"
    if aggregation == PLAIN:
        told = (
            f"a mean in which laptops count by what they told (on average {told_mean:,.0f} clips)"
        )
        return told if told_mean else "the mean of all"
    return f"the {aggregation} of every number"
