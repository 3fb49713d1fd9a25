"""A small causal transformer over actions, shaped for learning under noise.

Noise grows with the square root of the number of parameters, so there are few of them, and each
path is short: an action's own embedding reaches the heads directly (what usually follows this
action), a linear mix of the last three adds short habits, one attention layer looks further back.
Distance enters attention as a fixed slope per head (ALiBi, Press et al. 2022): recency needs no
parameters and no learning. Layer norms have no parameters either.

The heads name a *kind* and, for each kind, its argument: log p(token) = log p(kind) +
log p(argument | kind). Arguments are normalised over those their kind can have.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn

from deskbound_strategies.task import Batch
from deskbound_strategies.vocabulary import (
    APPS,
    FAMILY,
    FAMILY_SIZES,
    GAPS,
    TOKENS,
    Family,
    Kind,
)

WIDTH = 32
ATTENTION_HEADS = 4
HIDDEN = 64
LAGS = 3
HOUR_BINS = 8
# Attention scores fall by this much per action of distance, one slope per head.
SLOPES = (1.0, 0.25, 0.0625, 0.015625)
_KEPT_LENGTH = 256  # actions; the bias of longer units takes more room than it saves time

_KINDS = len(Kind)


@dataclass(frozen=True, slots=True)
class Head:
    """Columns ``start`` to ``stop`` of the output, one softmax over the arguments of some kinds."""

    start: int
    stop: int
    kinds: tuple[Kind, ...]


def _heads() -> tuple[Head, ...]:
    """Return the argument heads; kinds of one family whose arguments differ get their own."""
    found: list[Head] = []
    start = _KINDS
    for family in (Family.KEY, Family.CELL, Family.APP):
        kinds = [kind for kind in Kind if FAMILY[kind] is family]
        spans = {kind: [t.argument for t in TOKENS if t.kind is kind] for kind in kinds}
        for first in sorted({spans[kind][0] for kind in kinds}):
            same = tuple(kind for kind in kinds if spans[kind][0] == first)
            found.append(Head(start + first, start + spans[same[0]][-1] + 1, same))
        start += FAMILY_SIZES[family]
    return tuple(found)


HEADS = _heads()
COLUMNS = HEADS[-1].stop

_OFFSETS = {Family.KEY: _KINDS, Family.CELL: _KINDS + FAMILY_SIZES[Family.KEY]}
_OFFSETS[Family.APP] = _OFFSETS[Family.CELL] + FAMILY_SIZES[Family.CELL]
# For each token: the output column of its kind, and that of its argument (or none).
KIND_COLUMN = torch.tensor([int(token.kind) for token in TOKENS])
_FAMILIES = [FAMILY[token.kind] for token in TOKENS]
HAS_ARGUMENT = torch.tensor([family is not Family.NONE for family in _FAMILIES])
ARGUMENT_COLUMN = torch.tensor(
    [_OFFSETS.get(f, 0) + t.argument for f, t in zip(_FAMILIES, TOKENS, strict=True)]
)

# The same side by side, (tokens, 2), and how much each column tells: 1, or 0 for no argument.
TOKEN_COLUMNS = torch.stack([KIND_COLUMN, ARGUMENT_COLUMN], dim=1)
TOLD = torch.stack([torch.ones(len(TOKENS)), HAS_ARGUMENT.float()], dim=1)

# Rows of the one embedding table: kinds and arguments as in the output, then the context.
_APP_ROW = COLUMNS
_GAP_ROW = _APP_ROW + len(APPS)
_HOUR_ROW = _GAP_ROW + GAPS + 1
_NO_ARGUMENT_ROW = _HOUR_ROW + HOUR_BINS
EMBEDDING_ROWS = _NO_ARGUMENT_ROW + 1
_TOKEN_ROWS = torch.stack(
    [KIND_COLUMN, ARGUMENT_COLUMN.where(HAS_ARGUMENT, torch.tensor(_NO_ARGUMENT_ROW))], dim=1
)
CONTEXT_ROWS = slice(_APP_ROW, _NO_ARGUMENT_ROW)  # application, pause and hour


class NextActionModel(nn.Module):
    """Predicts, after every action of a unit, the one that follows.

    Args:
        seed: the initial weights are a function of it alone.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.embedding = _embedding(EMBEDDING_ROWS, WIDTH)
        self.mix = _linear(LAGS * WIDTH, WIDTH)
        self.attend = _linear(WIDTH, 3 * WIDTH, bias=False)
        self.join = _linear(WIDTH, WIDTH, bias=False)
        self.widen = _linear(WIDTH, HIDDEN)
        self.narrow = _linear(HIDDEN, WIDTH, bias=False)
        self.heads = _linear(WIDTH, COLUMNS)
        _initialise(self, seed)

    def forward(self, batch: Batch) -> Tensor:
        """Return (units, length, COLUMNS) log probabilities, one softmax per head."""
        own = self.embedding(embedding_rows(batch)).sum(dim=2)
        state = own + self.mix(_lagged(own))
        state = state + self.join(self._attention(_norm(state)))
        state = state + self.narrow(F.gelu(self.widen(_norm(state))))
        return log_probabilities(self.heads(_norm(state)))

    def _attention(self, state: Tensor) -> Tensor:
        units, length, _ = state.shape
        shaped = self.attend(state).view(units, length, 3, ATTENTION_HEADS, -1)
        query, key, value = shaped.permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=_bias(length))
        return found.transpose(1, 2).reshape(units, length, WIDTH)


def log_probabilities(logits: Tensor) -> Tensor:
    """Normalise each head of (..., COLUMNS) logits on its own."""
    edges = [0, _KINDS, *(head.stop for head in HEADS)]
    sizes = [stop - start for start, stop in pairwise(edges)]
    parts = torch.split_with_sizes(logits, sizes, dim=-1)
    return torch.cat([part.log_softmax(dim=-1) for part in parts], dim=-1)


def token_scores(log_probability: Tensor) -> Tensor:
    """Return (..., tokens) joint log probabilities from (..., COLUMNS)."""
    argument = log_probability[..., ARGUMENT_COLUMN] * HAS_ARGUMENT
    return log_probability[..., KIND_COLUMN] + argument


# Layers are made empty: torch would fill them from its global generator.
def _embedding(rows: int, width: int) -> nn.Embedding:
    return nn.Embedding(rows, width, device="meta").to_empty(device="cpu")


def _linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=bias, device="meta").to_empty(device="cpu")


def _initialise(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or name.startswith("heads"):
                parameter.zero_()
            elif name.startswith("embedding"):
                parameter.normal_(0.0, 0.5, generator=generator)
            else:
                parameter.normal_(0.0, parameter.shape[1] ** -0.5, generator=generator)


def embedding_rows(batch: Batch) -> Tensor:
    """Return (units, length, 5): rows of kind, argument, application, pause and hour."""
    hour = batch.hours * HOUR_BINS // 24
    context = [_APP_ROW + batch.apps, _GAP_ROW + batch.gaps, _HOUR_ROW + hour]
    return torch.cat([_TOKEN_ROWS[batch.tokens], torch.stack(context, dim=2)], dim=2)


def _norm(state: Tensor) -> Tensor:
    return F.layer_norm(state, state.shape[-1:])


def _lagged(own: Tensor) -> Tensor:
    """Return each position's embedding beside those of the positions before it."""
    length = own.shape[1]
    parts = [F.pad(own, (0, 0, lag, 0))[:, :length] for lag in range(LAGS)]
    return torch.cat(parts, dim=-1)


def _bias(length: int) -> Tensor:
    """Return (1, heads, length, length) scores to add: a slope back in time, nothing ahead.

    With four axes torch takes its fused attention, which keeps no table of all pairs.
    """
    if isinstance(length, int) and length <= _KEPT_LENGTH:  # an export's length is a symbol
        return _kept_bias()[..., :length, :length]
    return _new_bias(length)


@cache
def _kept_bias() -> Tensor:
    """Look once: bias goes by distance alone, so a shorter one is a corner of it."""
    return _new_bias(_KEPT_LENGTH)


def _new_bias(length: int) -> Tensor:
    place = torch.arange(length)
    distance = (place[:, None] - place[None, :]).float()
    bias = -torch.tensor(SLOPES)[:, None, None] * distance
    return bias.masked_fill(distance < 0, float("-inf"))[None]
