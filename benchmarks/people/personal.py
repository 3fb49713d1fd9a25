"""What a personal model is worth: own counts, a crowd's, and both, from the first action on.

    python -m benchmarks.people.personal [--data FOLDER] [--set abb_ide] [--only cold]

*Cold start*: people are parted into folds; the people of a fold are newcomers, and the crowd's
word comes from everybody else. Of a newcomer's actions the first so many are learned from;
of those right after, ``GUESSED`` are guessed, each after all before it, without learning any more.
The people of ``TUNED`` are left out: constants of the personal head were chosen on them.

*All along*: everybody's first 80 % of actions are learned from, by the crowd as by themselves, and
the last 20 % guessed, each learned once it was guessed.

The crowd's word is that of private counts, with the units, contract and epsilon of
``private_counts``, or that of the networks under noise in the folder of ``--networks``, where
``private_network --keep`` put them; for newcomers with its ``--people-out``.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.people.counting import Score, score
from benchmarks.people.network import chances, every_kept
from benchmarks.people.private_counts import SEEDS
from benchmarks.people.results import Summary, Terms, append, options, part_of
from benchmarks.people.sets import SETS, Crowd, Person, Whole, arguments, load
from benchmarks.people.tallies import UNIT_ACTIONS, Floats, read, released, sigma_for, tally
from deskbound_client.learn.personal import ORDER, PersonalHead
from deskbound_strategies import recents
from deskbound_strategies.sketch import Counts

FOLDS = 5
TUNED = (0, 1)
KNOWN = (0, 10, 30, 100, 300, 1_000, 3_000)
GUESSED = 100
FEWEST_GUESSED = 10
WARM = 1_000  # actions after which a head remembers nothing of who was right before
EPSILONS = (np.inf, 8.0, 4.0, 1.0)
_AT_ONCE = 2_000  # positions

Which = tuple[float, int]  # epsilon and seed
Word = Callable[[Whole, Whole], Floats]  # what a crowd expects at places of a history
OWN: Which = (0.0, 0)  # nobody's counts


def crowds(
    crowd: Crowd, people: list[Person], seed: int, seeds: int = SEEDS
) -> dict[Which, Counts]:
    """Return the private counts of some people for each epsilon and seed.

    Args:
        crowd: whose vocabulary it is.
        people: what is learned from.
        seed: added to each seed, so that no two folds have the same noise.
        seeds: how many.
    """
    tallies = tally(crowd, people, "session")
    found = {(np.inf, 0): read(tallies.summed(np.ones(tallies.units)), crowd.size)}
    for epsilon in EPSILONS[1:]:
        sigma = sigma_for(epsilon)
        for one in range(1, seeds + 1):
            cells = released(tallies, sigma, np.random.default_rng([one, seed]))
            found[epsilon, one] = read(cells, crowd.size)
    return found


def told(counts: Counts, history: Whole, places: Whole) -> Floats:
    """Return (n, actions) what a crowd expects at places of a history that have two before them."""
    used = recents.used(history)[places - 1]
    return counts.after_history(history[places - 2], history[places - 1], used)


def ranks(chances: Floats, wanted: Whole) -> Whole:
    """Return (n,) the rank of what was right in rows of chances; ties go to the smaller token."""
    mine = chances[np.arange(len(wanted)), wanted][:, None]
    before = np.arange(chances.shape[1]) < wanted[:, None]
    found: Whole = ((chances > mine) | ((chances == mine) & before)).sum(axis=1)
    return found


def follow(
    head: PersonalHead, history: Whole, begin: int, shared: Floats, *, online: bool = True
) -> tuple[Whole, Whole]:
    """Return (n,) ranks by own counts alone and (n,) by the personal head.

    Args:
        head: learns each action once it was guessed, if ``online``.
        history: (m,) what was done.
        begin: where to guess first.
        shared: (n, actions) what the crowd expects from there on.
        online: whether to learn.
    """
    alone, personal = np.empty_like(shared), np.empty_like(shared)
    tokens = history.tolist()
    for row, said in enumerate(shared):
        place = begin + row
        recent = tokens[max(0, place - ORDER) : place]
        guessed = head.learn(recent, tokens[place], said) if online else head.guess(recent, said)
        alone[row], personal[row] = guessed.own, guessed.personal
    wanted = history[begin : begin + len(shared)]
    return ranks(alone, wanted), ranks(personal, wanted)


def counted(tokens: list[int]) -> PersonalHead:
    """Return the head of somebody who did this, and was never told what a crowd expects."""
    head = PersonalHead()
    for place, token in enumerate(tokens):
        head.count(tokens[max(0, place - ORDER) : place], token)
    return head


Newcomers = dict[tuple[int, str, Which], list[Whole]]  # known actions, who guesses, whose word


def cold(crowd: Crowd, words: Callable[[int], Mapping[Which, Word]]) -> Newcomers:
    """Return newcomers' ranks by known actions, who guesses, and epsilon and seed.

    Args:
        crowd: everybody.
        words: what those outside of a fold expect.
    """
    found: Newcomers = defaultdict(list)
    for fold in track(range(len(TUNED), FOLDS), f"{crowd.name}: newcomers", transient=True):
        shared = words(fold)
        for person in crowd.people[fold::FOLDS]:
            for number, (which, word) in enumerate(shared.items()):
                for known, alone, crowds_, both in newcomer(word, person.tokens):
                    found[known, "shared", which].append(crowds_)
                    found[known, "both", which].append(both)
                    if number == 0:  # whatever the crowd says, own counts alone say the same
                        found[known, "own", OWN].append(alone)
    return found


def others_by_counts(crowd: Crowd, fold: int, seeds: int = SEEDS) -> dict[Which, Word]:
    """Return the word of private counts of what people outside of a fold did first."""
    parts = [person.split()[0] for person in crowd.people]
    others = [one for number, one in enumerate(parts) if number % FOLDS != fold]
    return by_counts(crowd, others, fold, seeds)


def others_by_networks(folder: Path, crowd: Crowd, fold: int) -> dict[Which, Word]:
    """Return the word of the networks that people outside of a fold taught; see ``by_networks``."""
    return by_networks(folder, crowd.name, "test", fold)[1]


def newcomer(word: Word, tokens: Whole) -> Iterator[tuple[int, Whole, Whole, Whole]]:
    """Yield how many actions are known and ranks of the next: by own counts, crowd and both."""
    tokens = tokens[: KNOWN[-1] + GUESSED]
    shared = word(tokens, np.arange(2, len(tokens)))
    head, learned = counted(tokens[:2].tolist()), 2
    for known in KNOWN:
        begin = max(known, 2)  # before, the crowd has nothing to go by
        if len(tokens) < begin + FEWEST_GUESSED:
            return
        follow(head, tokens, learned, shared[learned - 2 : begin - 2])
        learned = begin
        said = shared[begin - 2 : begin - 2 + GUESSED]
        wanted = tokens[begin : begin + len(said)]
        judge = PersonalHead() if known == 0 else head
        alone, both = follow(judge, tokens, begin, said, online=False)
        yield known, alone, ranks(said, wanted), both


def along(
    parts: Sequence[tuple[Person, Person]], words: Mapping[Which, Word]
) -> dict[tuple[str, Which], list[Whole]]:
    """Return everybody's ranks by who guesses, and epsilon and seed, learning all along.

    Args:
        parts: what each person did first, and then; only the latter is asked for.
        words: what crowds expect.
    """
    found: dict[tuple[str, Which], list[Whole]] = defaultdict(list)
    for past, future in track(parts, "all along", transient=True):
        history = np.r_[past.tokens, future.tokens]
        warm = max(2, len(past.tokens) - WARM)
        for number, (which, word) in enumerate(words.items()):
            head = counted(history[:warm].tolist())
            for start in range(warm, len(history), _AT_ONCE):
                places = np.arange(start, min(start + _AT_ONCE, len(history)))
                said = word(history, places)
                alone, both = follow(head, history, start, said)
                late = places >= len(past.tokens)
                found["shared", which].append(ranks(said, history[places])[late])
                found["both", which].append(both[late])
                if number == 0:  # whatever the crowd says, own counts alone say the same
                    found["own", OWN].append(alone[late])
    return found


def by_counts(
    crowd: Crowd, past: list[Person], seed: int = 0, seeds: int = SEEDS
) -> dict[Which, Word]:
    """Return the word of private counts of what some people did first; see ``crowds``."""
    every = crowds(crowd, past, seed, seeds)
    return {which: partial(told, counts) for which, counts in every.items()}


def by_networks(
    folder: Path, crowd: str, part: str, fold: int = -1
) -> tuple[Terms, dict[Which, Word]]:
    """Return the word of the networks that a folder has for a set, and what they are but epsilon.

    Args:
        folder: where they were kept.
        crowd: name of the set.
        part: that may be guessed.
        fold: whose people they did not learn from; -1 for those that learned from all.

    Raises:
        SystemExit: it has none, or of more than one kind.
    """
    found: dict[Terms, dict[Which, Word]] = defaultdict(dict)
    for kept, one in every_kept(folder):
        terms = kept.terms
        if (terms.crowd, terms.part, kept.fold) == (crowd, part, fold):
            word = partial(chances, one)
            found[replace(terms, epsilon=np.inf)][terms.epsilon, kept.seed] = word
    if len(found) != 1:
        raise SystemExit(
            f"{folder} holds {len(found)} kinds of such networks for {crowd}, {part} part, and not "
            "one. private_network makes them, with --keep, and for newcomers with --people-out."
        )
    return found.popitem()


def _over_seeds(found: Mapping[Which, list[Whole]]) -> Iterator[tuple[float, list[Score]]]:
    """Yield each epsilon with its seeds' scores."""
    for epsilon in sorted({one for one, _ in found}, reverse=True):
        yield epsilon, [score(every) for (one, _), every in found.items() if one == epsilon]


def _of(found: Mapping[tuple[int, str, Which], list[Whole]], known: int, who: str) -> list[str]:
    mine = {which: every for (n, by, which), every in found.items() if (n, by) == (known, who)}
    return [Summary.of(scores).cells[0] for _, scores in _over_seeds(mine)]


def cold_table(crowd: Crowd, networks: Path | None = None, seeds: int = SEEDS) -> Table:
    """Return hit@1 of newcomers by how much they have done."""
    words: Callable[[int], Mapping[Which, Word]] = partial(others_by_counts, crowd, seeds=seeds)
    named = "counts"
    if networks is not None:
        named = by_networks(networks, crowd.name, "test", len(TUNED))[0].model
        words = partial(others_by_networks, networks, crowd)
    found = cold(crowd, words)
    result = Table(title=f"{crowd.name}: hit@1 of newcomers; shared: {named}")
    result.add_column("known", justify="right")
    result.add_column("people", justify="right")
    result.add_column("own")
    for epsilon in sorted({which[0] for _, who, which in found if who == "both"}, reverse=True):
        result.add_column(f"shared, {_named(epsilon)}")
        result.add_column(f"both, {_named(epsilon)}")
    for known in KNOWN:
        people = len(found[known, "own", OWN])
        if people:
            columns = zip(_of(found, known, "shared"), _of(found, known, "both"), strict=True)
            cells = [cell for pair in columns for cell in pair]
            result.add_row(f"{known:,}", str(people), *_of(found, known, "own"), *cells)
    return result


def along_table(crowd: Crowd, asked: argparse.Namespace) -> Table:
    """Return how good own counts, the shared model and both are for everybody."""
    parts = [person.split() for person in crowd.people]
    if asked.validate:
        parts = [past.split(0.875) for past, _ in parts]
    if asked.networks:
        terms, words = by_networks(asked.networks, crowd.name, part_of(asked))
    else:
        most = UNIT_ACTIONS["session"]
        terms = Terms(crowd.name, part_of(asked), "session", most, "counts", np.inf)
        words = by_counts(crowd, [past for past, _ in parts], seeds=asked.seeds)
    found = along(parts, words)
    models = {"own": "own, online", "shared": terms.model, "both": f"own and {terms.model}"}
    for (who, (epsilon, seed)), every in found.items():
        mine = replace(terms, model=models[who], epsilon=epsilon)
        append(asked.append, mine, seed, score(every))
    result = Table(title=f"{crowd.name}: all along, counting on; shared: {terms.model}")
    for name in ("who", "epsilon", "hit@1", "hit@5", "MRR"):
        result.add_column(name, justify="right")
    for who in ("own", "shared", "both"):
        theirs = {which: every for (by, which), every in found.items() if by == who}
        for epsilon, scores in _over_seeds(theirs):
            named = "" if who == "own" else _named(epsilon)
            result.add_row(who, named, *Summary.of(scores).cells)
    return result


def _named(epsilon: float) -> str:
    return "no noise" if np.isinf(epsilon) else f"{epsilon:g}"


def main() -> None:
    """Print both tables."""
    parser: argparse.ArgumentParser = arguments(__doc__)
    parser.add_argument("--set", choices=SETS, default="abb_ide", help="Which people.")
    parser.add_argument("--only", choices=("cold", "along"), help="One of the two tables.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="How many.")
    parser.add_argument("--networks", type=Path, help="Networks whose word is the crowd's.")
    options(parser)
    asked = parser.parse_args()
    crowd, console = load(asked.set, asked.data), Console(width=160)
    if asked.only != "along":
        console.print(cold_table(crowd, asked.networks, asked.seeds))
    if asked.only != "cold":
        console.print(along_table(crowd, asked))


if __name__ == "__main__":
    main()
