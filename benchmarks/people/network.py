"""A network for the next action of real people, and how it learns under noise.

It is not the product's, whose heads are those of the public vocabulary, but of its kind and
smaller: the last three actions embedded, one hidden layer, and the embedding again to tell.

Each person is a laptop. A round is one step, as DP-FedSGD: every laptop samples its units, clips
the gradient of each as a whole and adds noise of its own; the server's Adam takes the mean. This is
done for all laptops at once; a test holds the clipped sum against autograd, unit by unit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from rich.progress import track
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from benchmarks.people.counting import Score, score
from benchmarks.people.results import Terms
from benchmarks.people.sets import Crowd, Person, Whole
from benchmarks.people.tallies import UNIT_SECONDS, Floats, days
from deskbound_strategies.contract import Unit
from deskbound_strategies.sketch import Counts
from deskbound_strategies.units import units

LAGS = 3
# Chosen on the validation part, as all below.
UNIT_ACTIONS: dict[Unit, int] = {"session": 64, "day": 1024}
SMALL, LARGE = (16, 32), (32, 64)  # width of the embedding, and of the hidden layer
ROUNDS, RATE, CLIP, LEARNING_RATE = 200, 0.2, 0.5, 0.01
BETAS, DECAY = (0.9, 0.99), 0.5  # the learning rate falls over the last half
POWER = 0.25  # of the loss where that is not cross entropy
# How a network is fitted to counts.
TAUGHT_PAIRS, TAUGHT_STEPS, TAUGHT_RATE = 6_000, 300, 0.02
_POSITIONS_AT_ONCE = 1_024  # what stays in a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What can be learned from each unit, shortest unit first.

    Attributes:
        contexts: of each unit (n, LAGS) the actions before each guess; the vocabulary's size where
            the unit had not begun.
        tokens: of each unit (n,) what followed.
        owner: (units,) whose each unit is.
        laptops: how many people.
    """

    contexts: tuple[Whole, ...]
    tokens: tuple[Whole, ...]
    owner: Whole
    laptops: int

    def __len__(self) -> int:
        return len(self.tokens)


def lessons(crowd: Crowd, people: Sequence[Person], kind: Unit, most: int) -> Lessons:
    """Cut people's events into units; what has a single action teaches nothing."""
    found = [
        (unit.tokens, owner)
        for owner, person in enumerate(people)
        for day in days(person)
        for unit in units(day, kind, UNIT_SECONDS, most)
        if len(unit.tokens) > 1
    ]
    found.sort(key=lambda one: len(one[0]))
    return Lessons(
        tuple(before(tokens, crowd.size)[1:] for tokens, _ in found),
        tuple(tokens[1:] for tokens, _ in found),
        np.array([owner for _, owner in found]),
        len(people),
    )


def before(tokens: Whole, nobody: int) -> Whole:
    """Return (n, LAGS) the actions before each one, the last of them last."""
    padded = np.r_[np.full(LAGS, nobody), tokens]
    return np.stack([padded[lag : lag + len(tokens)] for lag in range(LAGS)], axis=1)


class Network(nn.Module):
    """Guesses from the last ``LAGS`` actions; one embedding reads and tells.

    Args:
        actions: size of the vocabulary.
        seed: decides the initial weights.
        size: width of the embedding, and of the hidden layer.
    """

    def __init__(self, actions: int, seed: int, size: tuple[int, int] = SMALL) -> None:
        super().__init__()
        width, hidden = size
        self.actions = actions
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape: int, deviation: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * deviation)

        seen = LAGS * width
        self.embedding = drawn(actions + 1, width, deviation=0.3)
        self.widen = drawn(hidden, seen, deviation=seen**-0.5)
        self.widen_bias = nn.Parameter(torch.zeros(hidden))
        self.narrow = drawn(width, hidden + seen, deviation=0.1)
        self.popular = nn.Parameter(torch.zeros(actions))

    def forward(self, contexts: Tensor) -> Tensor:
        """Return (..., actions) scores from (..., LAGS) actions."""
        seen = self.embedding[contexts].flatten(-2)
        hidden = F.relu(seen @ self.widen.T + self.widen_bias)
        told = torch.cat([hidden, seen], dim=-1) @ self.narrow.T
        return told @ self.embedding[: self.actions].T + self.popular


def robust(likelihood: Tensor, power: float) -> Tensor:
    """Return generalised cross entropies (Zhang and Sabuncu 2018) from log likelihoods.

    Their gradient is that of cross entropy times p^``power``. What hardly anybody could have
    guessed pulls less, so clipped units agree more, and more of them is left beside the noise.
    """
    return -torch.expm1(power * likelihood) / power if power else -likelihood


def clipped_sum(
    network: Network,
    found: Lessons,
    sampled: Whole,
    clip: float,
    *,
    worth: Tensor | None = None,
    power: float = 0.0,
) -> dict[str, Tensor]:
    """Return the sum over units of their gradients, each clipped as one vector.

    Args:
        network: at its present weights.
        found: what is learned from.
        sampled: ascending numbers of units.
        clip: C.
        worth: (units of ``found``,) how much each one counts once it is clipped, or all alike.
        power: of the loss, see ``robust``.
    """
    weights = {name: one.detach() for name, one in network.named_parameters()}
    worth = torch.ones(len(found)) if worth is None else worth

    def loss(weights: dict[str, Tensor], contexts: Tensor, tokens: Tensor) -> Tensor:
        scores = functional_call(network, weights, (contexts,))
        present = (tokens >= 0).float()
        each = F.cross_entropy(scores, tokens.clamp(min=0), reduction="none")
        each = robust(-each, power)
        return (each * present).sum() / present.sum()

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))
    total = {name: torch.zeros_like(one) for name, one in weights.items()}
    for some, contexts, tokens in _side_by_side(found, sampled, network.actions):
        each = gradients(weights, contexts, tokens)
        norms = torch.sqrt(sum(one.flatten(1).pow(2).sum(1) for one in each.values()))
        scales = (clip / norms.clamp(min=1e-12)).clamp(max=1.0) * worth[some]
        for name, one in each.items():
            total[name] += torch.tensordot(scales, one, 1)
    return total


def _side_by_side(
    found: Lessons, sampled: Whole, nobody: int
) -> Iterator[tuple[Whole, Tensor, Tensor]]:
    """Yield some units at a time, padded to the longest: which, contexts, and tokens or -1."""
    start = 0
    while start < len(sampled):
        stop, longest = start, 0
        while stop < len(sampled):
            longest = max(longest, len(found.tokens[sampled[stop]]))
            if stop > start and longest * (stop + 1 - start) > _POSITIONS_AT_ONCE:
                break
            stop += 1
        some = sampled[start:stop]
        longest = len(found.tokens[some[-1]])
        contexts = np.full((len(some), longest, LAGS), nobody)
        tokens = np.full((len(some), longest), -1)
        for row, number in enumerate(some):
            size = len(found.tokens[number])
            contexts[row, :size] = found.contexts[number]
            tokens[row, :size] = found.tokens[number]
        yield some, torch.from_numpy(contexts), torch.from_numpy(tokens)
        start = stop


def learn(
    network: Network,
    found: Lessons,
    sigma: float,
    seed: int,
    told: str = "",
    *,
    weights: Floats | None = None,
    power: float = 0.0,
) -> None:
    """Carry out all rounds.

    Args:
        network: learns.
        found: what it learns from.
        sigma: noise multiplier of each laptop.
        seed: of sampling and noise.
        told: what the progress bar says.
        weights: (laptops,) how much each one's noised sum counts, or all alike.
        power: of the loss, see ``robust``.
    """
    each = np.ones(found.laptops) if weights is None else weights
    worth = torch.from_numpy(each[found.owner]).float()
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=BETAS)
    deviation = sigma * CLIP * float(np.linalg.norm(each))
    for number in track(range(ROUNDS), told, transient=True):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (1 - number / ROUNDS) / DECAY)
        sampled = np.flatnonzero(rng.random(len(found)) < RATE)
        total = clipped_sum(network, found, sampled, CLIP, worth=worth, power=power)
        for name, one in network.named_parameters():
            noise = torch.randn(one.shape, generator=generator) * deviation
            one.grad = (total[name] + noise) / (RATE * float(worth.sum()))
        optimizer.step()


def measured(network: Network, parts: Sequence[tuple[Person, Person]]) -> Score:
    """Return how good the network is over all people's later events."""
    return score(ranks(network, past.tokens, future.tokens) for past, future in parts)


def ranks(network: Network, past: Whole, future: Whole) -> Whole:
    """Return (n,) the ranks of later events, each guessed from the ``LAGS`` before it."""
    history = np.r_[past[-LAGS:], future]
    contexts = np.stack([history[lag : lag + len(future)] for lag in range(LAGS)], axis=1)
    wanted = torch.from_numpy(future)
    found = []
    with torch.no_grad():
        for start in range(0, len(future), _POSITIONS_AT_ONCE):
            scores = network(torch.from_numpy(contexts[start : start + _POSITIONS_AT_ONCE]))
            mine = scores.gather(1, wanted[start : start + _POSITIONS_AT_ONCE, None])
            found.append((scores > mine).sum(1).numpy())
    return np.concatenate(found)


def taught_by_counts(
    actions: int, counts: Counts, seed: int, size: tuple[int, int] = SMALL
) -> Network:
    """Return a network that guesses as counts do; what was released costs nothing more.

    The counts know two actions back, so the third is filled in at random.

    Args:
        actions: size of the vocabulary.
        counts: that were released.
        seed: of initial weights and of what is filled in.
        size: of the network.
    """
    network = Network(actions, seed, size)
    rng = np.random.default_rng(seed)
    mass = counts.pairs.ravel()
    pairs = np.argsort(-mass, kind="stable")[:TAUGHT_PAIRS]
    first, second = np.divmod(pairs, actions)
    wanted = torch.from_numpy(counts.after_two(first, second)).float()
    weights = torch.from_numpy(mass[pairs] / mass[pairs].sum()).float()
    popular = counts.pairs.sum(axis=1) / counts.pairs.sum()
    optimizer = torch.optim.Adam(network.parameters(), lr=TAUGHT_RATE, betas=BETAS)
    for _ in range(TAUGHT_STEPS):
        third = rng.choice(actions, len(pairs), p=popular)
        contexts = torch.from_numpy(np.stack([third, first, second], axis=1))
        optimizer.zero_grad()
        each = -(wanted * network(contexts).log_softmax(-1)).sum(1)
        (weights * each).sum().backward()
        optimizer.step()
    return network


@dataclass(frozen=True, slots=True)
class Kept:
    """What a network that is kept is of.

    Attributes:
        terms: of its row.
        seed: of its noise.
        fold: whose people it did not learn from, or -1 where it learned from all.
    """

    terms: Terms
    seed: int
    fold: int = -1


def keep(network: Network, folder: Path, mine: Kept) -> None:
    """Write a network, and what it is of, to a file of a folder that is made if need be."""
    told = {name: str(value) for name, value in asdict(mine.terms).items()}
    told |= {"seed": str(mine.seed), "fold": str(mine.fold)}
    folder.mkdir(parents=True, exist_ok=True)
    name = "-".join(told.values()).replace(" ", "_")
    weights = {name: one.detach() for name, one in network.named_parameters()}
    save_file(weights, folder / f"{name}.safetensors", told)


def every_kept(folder: Path) -> Iterator[tuple[Kept, Network]]:
    """Yield all networks of a folder with what they are of."""
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            told = file.metadata()
        weights = load_file(path)
        size = weights["embedding"].shape[1], weights["widen"].shape[0]
        network = Network(len(weights["popular"]), 0, size)
        network.load_state_dict(weights)
        yield Kept(Terms.of(told), int(told["seed"]), int(told.get("fold", -1))), network


def chances(network: Network, history: Whole, places: Whole) -> Floats:
    """Return (n, actions) what a network expects at places of a history."""
    contexts = before(history, network.actions)[places]
    with torch.no_grad():
        found: Floats = network(torch.from_numpy(contexts)).double().softmax(-1).numpy()
    return found
