"""A round plan: what a run asks for, as one value; ``plan_file`` reads it from commented TOML.

Everything in it is public and most of it ends up in the signed contract of every round.
"""

import math
from dataclasses import asdict, dataclass
from typing import Literal, Self

from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.contract import PLAIN, TOLD, LocalOptimizer, RoundContract, Unit
from deskbound_strategies.policy import PROFILES, affordable_rounds
from deskbound_strategies.server_optimizer import Name, ServerOptimizer
from deskbound_strategies.weighing import TELLING

# Tasks that try a model and make none: those with ``Task.held_out``, which takes torch to see.
TRIALS = frozenset({"next_action_hits"})
Holding = Literal["generated", "file", "none"]
HOLDINGS: tuple[Holding, ...] = ("generated", "file", "none")
Combining = Literal["mean", "trimmed-mean", "median"]
Weighing = Literal["alike", "told"]
WEIGHINGS: tuple[Weighing, ...] = ("alike", "told")
COMBININGS: tuple[Combining, ...] = ("mean", "trimmed-mean", "median")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlan:
    """What a run asks of its laptops, and what the server does with the answers.

    Attributes:
        task: installed task to train.
        profile: privacy profile the laptops are expected to have.
        rounds: rounds of the run.
        cohort: laptops asked in a round, drawn from those connected.
        minimum_cohort: fewest admitted replies for which a model is released.
        enough: close a round once so many replies are admitted; 0 waits for all that were asked.
        deadline_seconds: time a laptop has to answer.
        gather_seconds: time to wait for the minimum cohort to be connected, before a contract.
        witness_seconds: time to wait for the witnesses to cosign the log with a round's contract.
        attempts: tries of a round before the run gives up; laptops pay for each one anew.
        unit, unit_seconds, unit_actions, sampling_rate, noise_multiplier, clip, steps, divisor,
            local_optimizer: as in the contract.
        local_learning_rate: step size on the laptop.
        server_optimizer, server_learning_rate, server_momentum, server_second_momentum,
            server_stability: how the mean update becomes the next model.
        aggregation: how the updates of a round are combined: all averaged, or coordinate by
            coordinate without the outermost, or the middle one.
        trim: fraction of the replies that a trimmed mean leaves out at each end, in whole percent.
        weighing: whether all laptops count alike, or each by what it told in private counts; where
            the plan is to count, in the round itself.
        told_mean: what laptops told on average before; filled in when a run begins.
        norm_bound: largest L2 norm of an update that counts; 0.0 derives one from the terms.
        held_out: what a new model is tried on before it is released: made-up days, a file of public
            activity, or nothing.
        held_out_file: the file, relative to the plan; with ``held_out = "file"`` only.
        held_out_hash: SHA-256 (hex) of the file; filled in when a run begins.
        held_out_margin: how much worse than the last released model a new one may be, nats of mean
            held-out loss per unit.
        held_back_in_a_row: models held back one after the other at which the run gives up.
        seed: of the first model's weights; public.
        start_from: the released model that the run begins with instead: its hash, the beginning of
            it, or ``latest``; the whole hash once a run was recorded. A run of ``next_action`` may
            name private counts too, ``counts`` for the latest: they teach it its first weights.
        client_version_min, client_version_below: which clients may take part.
    """

    task: str
    profile: str
    rounds: int
    cohort: int
    minimum_cohort: int
    deadline_seconds: int
    sampling_rate: float
    noise_multiplier: float
    clip: float
    steps: int
    divisor: float
    local_learning_rate: float
    enough: int = 0
    gather_seconds: int = 60
    witness_seconds: int = 30
    attempts: int = 2
    unit: Unit = "session"
    unit_seconds: int = 600
    unit_actions: int = 256
    local_optimizer: LocalOptimizer = "sgd"
    server_optimizer: Name = "fedavg"
    server_learning_rate: float = 1.0
    server_momentum: float = 0.9
    server_second_momentum: float = 0.99
    server_stability: float = 1e-3
    aggregation: Combining = "mean"
    trim: float = 0.2
    weighing: Weighing = "alike"
    told_mean: float = 0.0
    norm_bound: float = 0.0
    held_out: Holding = "generated"
    held_out_file: str = ""
    held_out_hash: str = ""
    held_out_margin: float = 0.5
    held_back_in_a_row: int = 3
    seed: int = 0
    start_from: str = ""
    client_version_min: str = "0.1.0"
    client_version_below: str = "0.2.0"

    def to_bytes(self) -> bytes:
        """Return the canonical serialisation, as the database keeps it."""
        return canonical_bytes(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read back what ``to_bytes`` wrote."""
        return cls(**parse_canonical(data))

    @property
    def optimizer(self) -> ServerOptimizer:
        """The server's optimizer."""
        return ServerOptimizer(
            self.server_optimizer,
            self.server_learning_rate,
            self.server_momentum,
            self.server_second_momentum,
            self.server_stability,
        )

    @property
    def combining(self) -> str:
        """How replies are combined, as a contract says it."""
        if self.aggregation == "trimmed-mean":
            return f"trimmed-mean-{round(100 * self.trim):02}"
        if self.aggregation == "mean":
            return TOLD if self.weighing == "told" and self.task == TELLING else PLAIN
        return self.aggregation

    def contract(
        self,
        *,
        run: str,
        number: int,
        vocabulary_hash: str,
        model_hash: str,
        anchors: str,
        issued: int,
        releases: str = "",
    ) -> RoundContract:
        """Return the contract of one round.

        Args:
            run: the run's identifier.
            number: 1-based round.
            vocabulary_hash: of the task's vocabulary.
            model_hash: of the encoded weights sent along.
            anchors: digest of the log's map of receipts.
            issued: Unix seconds.
            releases: names of the manifests that the server names, as a contract spells them.
        """
        return RoundContract(
            run=run,
            round=number,
            task=self.task,
            profile=self.profile,
            vocabulary_hash=vocabulary_hash,
            model_hash=model_hash,
            anchors=anchors,
            unit=self.unit,
            unit_seconds=self.unit_seconds,
            unit_actions=self.unit_actions,
            sampling_rate=self.sampling_rate,
            noise_multiplier=self.noise_multiplier,
            clip=self.clip,
            steps=self.steps,
            divisor=self.divisor,
            local_optimizer=self.local_optimizer,
            learning_rate=self.local_learning_rate,
            aggregation=self.combining,
            minimum_cohort=self.minimum_cohort,
            issued=issued,
            deadline=issued + self.deadline_seconds,
            client_version_min=self.client_version_min,
            client_version_below=self.client_version_below,
            told_mean=self.told_mean,
            releases=releases,
        )

    def admitted_norm(self, dimension: int) -> float:
        """Return the norm bound: the plan's own, or a generous one derived from its terms.

        A laptop's step is at most ``lr`` per coordinate and some with Adam; with SGD it is ``lr``
        times clipped gradients and noise over the divisor. Twice what honest laptops reach.

        Args:
            dimension: d, parameters of the model.
        """
        if self.norm_bound:
            return self.norm_bound
        root = math.sqrt(dimension)
        if self.local_optimizer == "adam":
            return 2.0 * self.local_learning_rate * self.steps * root
        noise = self.noise_multiplier * self.clip * root / self.divisor
        return 2.0 * self.local_learning_rate * self.steps * (4.0 * self.clip + noise)

    def affordable_rounds(self) -> int:
        """Return after how many of its rounds a day of data is spent under the plan's profile."""
        return affordable_rounds(sample_contract(self), PROFILES[self.profile], self.rounds)


def sample_contract(plan: RoundPlan) -> RoundContract:
    """Return a contract with the plan's terms and made-up names, to check the terms with."""
    blank = "0" * 64
    return plan.contract(
        run=blank[:32], number=1, vocabulary_hash=blank, model_hash=blank, anchors=blank, issued=1
    )
