"""What counting alone can guess of real people's next action, alone and pooled.

    python -m benchmarks.people.baselines [--data FOLDER] [--set abb_ide]

Each person's first 80 % of events are learned from, the last 20 % are guessed, each after all
before it. *user* counts that person's events, *pooled* those of all; nothing here is private.
``REFERENCE`` are figures for the same sets by somebody else's code: they say whether ours is right.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.people.counting import (
    Chain,
    Score,
    blend_ranks,
    chain_ranks,
    recency_ranks,
    score,
)
from benchmarks.people.sets import SETS, Crowd, Whole, arguments, load

REFERENCE = {
    "abb_ide": {
        "pooled most frequent": 0.123, "user most frequent": 0.155, "pooled Markov 1": 0.314,
        "pooled Markov 2": 0.420, "user Markov 1": 0.344, "user Markov 2": 0.430,
        "user Markov 2 online": 0.459,
    },
    "cyber_shell": {
        "pooled most frequent": 0.163, "user most frequent": 0.156, "repeat last": 0.313,
        "pooled Markov 1": 0.433, "pooled Markov 2": 0.426, "user Markov 1": 0.296,
        "user Markov 2": 0.290, "user Markov 2 online": 0.408,
    },
    "shakespeare_roles": {
        "pooled most frequent": 0.163, "pooled Markov 1": 0.276, "pooled Markov 2": 0.393,
        "pooled Markov 3": 0.484, "pooled Markov 4": 0.538, "pooled Markov 5": 0.559,
    },
}  # fmt: skip
DEEPEST = {"abb_ide": 2, "cyber_shell": 2, "shakespeare_roles": 5}  # order of a chain
BLEND_ORDER, BLEND_STRENGTH = 3, 2.0


def figures(crowd: Crowd) -> Iterator[tuple[str, Score]]:
    """Yield each baseline's name and score."""
    parts = [person.split() for person in crowd.people]
    pairs = [(past.tokens, future.tokens) for past, future in parts]
    # What was done last is the first of what was done lately, so one ranking is both baselines.
    yield "repeat last", score(recency_ranks(past, future) for past, future in pairs)
    for order in range(DEEPEST[crowd.name] + 1):
        name = f"Markov {order}" if order else "most frequent"
        pooled = Chain(order)
        for past, _ in track(pairs, f"{crowd.name}: {name}", transient=True):
            pooled.learn(past.tolist())
        yield f"pooled {name}", score(chain_ranks(pooled, *pair) for pair in pairs)
        alone, growing = [], []
        for past, future in pairs:
            chain = Chain(order)
            chain.learn(past.tolist())
            alone.append(chain_ranks(chain, past, future))
            growing.append(chain_ranks(chain, past, future, online=True))
        yield f"user {name}", score(alone)
        yield f"user {name} online", score(growing)
    yield "user blend online", score(_blended(crowd, pairs))


def _blended(crowd: Crowd, pairs: Sequence[tuple[Whole, Whole]]) -> Iterator[Whole]:
    for past, future in track(pairs, f"{crowd.name}: blend", transient=True):
        chain = Chain(BLEND_ORDER)
        chain.learn(past.tolist())
        yield blend_ranks(chain, past, future, BLEND_STRENGTH)


def table(crowd: Crowd) -> Table:
    """Return the baselines of a set beside the reference."""
    told = Table(title=f"{crowd.name}: {len(crowd.people)} people, {crowd.size} actions")
    told.add_column("guesses")
    for name in ("hit@1", "reference", "hit@5", "MRR", "positions"):
        told.add_column(name, justify="right")
    for name, found in figures(crowd):
        known = REFERENCE[crowd.name].get(name)
        told.add_row(
            name,
            f"{found.hit1:.3f}",
            "" if known is None else f"{known:.3f}",
            f"{found.hit5:.3f}",
            f"{found.mrr:.3f}",
            f"{found.positions:,}",
        )
    return told


def main() -> None:
    """Print a table for each set, or for one."""
    parser = arguments(__doc__)
    parser.add_argument("--set", choices=SETS, help="Which people; all of them if left out.")
    asked = parser.parse_args()
    for name in [asked.set] if asked.set else SETS:
        Console().print(table(load(name, asked.data)))


if __name__ == "__main__":
    main()
