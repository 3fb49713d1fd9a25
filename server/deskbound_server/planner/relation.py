"""What private counts can be expected to guess, as a relation with eleven fitted constants. Pure.

For a fleet whose laptops have u units each, n of which answer, N = n u, and a signal s
(``options.signal``):

    shared(N, s) = ceiling * N / (N + units_half)
                   * exp(-(drowned / s)^2) / (1 + (signal_half / s)^steepness)
    alone(u)     = own_ceiling * u^power / (u^power + own_half^power)
    gain         = worth / (1 + u / own_worth) * (shared - loss_below)

``shared`` is what the counts guess by themselves, ``alone`` what a laptop's own counts of the same
days do, as shares right at the first guess; ``gain`` is what its own counts guess better when the
shared ones stand where it has none. ``shared`` never falls when laptops, units or signal grow, and
``gain`` never falls with ``shared``.
"""

import math
from dataclasses import dataclass

_FAR = 700.0  # exp of less is no float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Constants of the relation; see the module.

    Attributes:
        ceiling: of shared counts of many units without noise.
        units_half: units of all laptops that reach half of it.
        signal_half: signal that keeps half of what is reached without noise.
        steepness: how fast it is kept.
        drowned: signal below which next to nothing stands out.
        own_ceiling: of a laptop's own counts.
        own_half: units of its own that reach half of it.
        power: how fast it is reached.
        worth: how much of what shared counts guess better a laptop with few units gains.
        own_worth: units of its own at which half of that is left.
        loss_below: below this share shared counts do harm to a laptop's own.
    """

    ceiling: float
    units_half: float
    signal_half: float
    steepness: float
    drowned: float
    own_ceiling: float
    own_half: float
    power: float
    worth: float
    own_worth: float
    loss_below: float

    def shared(self, units: float, signal: float) -> float:
        """Return hit@1 of shared counts.

        Args:
            units: N of all laptops that answer.
            signal: s; infinity without noise.
        """
        kept = math.exp(-min((self.drowned / signal) ** 2, _FAR))
        kept /= 1.0 + (self.signal_half / signal) ** self.steepness
        return float(self.ceiling * units / (units + self.units_half) * kept)

    def alone(self, units: float) -> float:
        """Return hit@1 of a laptop's own counts of so many units."""
        grown = units**self.power
        return float(self.own_ceiling * grown / (grown + self.own_half**self.power))

    def alone_after(self, reached: float) -> float | None:
        """Return the units of its own with which a laptop guesses so well; None if never."""
        if reached >= self.own_ceiling:
            return None
        ratio = max(0.0, reached) / (self.own_ceiling - reached)
        return float(self.own_half * ratio ** (1.0 / self.power))

    def gain(self, shared: float, units: float) -> float:
        """Return what hit@1 of a laptop's own counts gains when shared ones stand under them.

        Args:
            shared: hit@1 of those by themselves.
            units: of the laptop.
        """
        return self.worth / (1.0 + units / self.own_worth) * (shared - self.loss_below)
