"""What an audit found: plain values, and what they come to."""

from dataclasses import dataclass

from deskbound_audit.attack.membership import Roc
from deskbound_audit.attack.one_run import OneRun
from deskbound_audit.attack.setting import Setting

SLACK = 0.01  # what two numerical epsilons of one mechanism may differ by


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One run of the rounds, with or without a planted fault.

    Attributes:
        name: of the planted fault; ``as released`` when there is none.
        claimed: epsilon the accountants state.
        one_run: lower bound from guesses, whatever the mechanism.
        epsilon_fdp: tighter bound from the same guesses, if the mechanism is a sampled Gaussian.
        sigma: noise as measured, over C.
        epsilon_measured: epsilon of the same rounds with the measured sigma's upper limit.
        guessed_seed: the seed the noise came from, where it could be guessed.
        alike: pairs of rounds with the same noise.
        clipped: whether what was released looks clipped.
        roc: how well canaries that took part were told from the others.
    """

    name: str
    claimed: float
    one_run: OneRun
    epsilon_fdp: float | None
    sigma: float
    epsilon_measured: float
    guessed_seed: int | None
    alike: int
    clipped: bool
    roc: Roc

    @property
    def faults(self) -> tuple[str, ...]:
        """What contradicts the claim, one sentence each; empty when nothing does."""
        most = self.claimed + SLACK
        found = []
        if self.one_run.epsilon > most:
            found.append(
                f"Guesses show epsilon {self.one_run.epsilon:.2f} or more, "
                f"{self.claimed:.2f} is claimed."
            )
        if self.epsilon_measured > most:
            found.append(
                f"The noise measures {self.sigma:.3g} of C, less than what is claimed needs."
            )
        if self.guessed_seed is not None:
            found.append(f"The noise is that of the guessable seed {self.guessed_seed}.")
        if self.alike:
            found.append(f"{self.alike} pairs of rounds have the same noise.")
        if not self.clipped:
            found.append("Units move the sum by their whole gradient: nothing is clipped.")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Inversion:
    """How much of what somebody did could be read out of updates of single units.

    Attributes:
        name: what was sent.
        order: share of the actions found in their order, mean over the units.
        words: area under the curve of telling used words from others, mean over the units.
        example: the words read out of the first unit.
    """

    name: str
    order: float
    words: float
    example: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A whole audit.

    Attributes:
        trainer: distribution that was audited.
        seed: of the canaries and of who took part; the noise is the operating system's.
        setting: the rounds and the claim.
        honest: what the code as installed gave away.
        controls: the same with a fault planted, one each.
        members: units of made-up work that were sought.
        membership: attack on those, by what was sent.
        inversions: attack on single units, by what was sent.
        truth: the words of the first unit that was inverted.
        prior: share of actions right when one always guesses the commonest word.
        inverted: how many units were.
    """

    trainer: str
    seed: int
    setting: Setting
    honest: Finding
    controls: tuple[Finding, ...]
    members: int
    membership: dict[str, Roc]
    inversions: tuple[Inversion, ...]
    truth: tuple[str, ...]
    prior: float
    inverted: int

    @property
    def missed(self) -> tuple[str, ...]:
        """Planted faults that the audit did not find."""
        return tuple(control.name for control in self.controls if not control.faults)
