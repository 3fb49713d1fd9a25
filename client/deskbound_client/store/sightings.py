"""Whether the wall clock may be believed before days are destroyed by it. Pure.

Forgetting by age destroys keys for good, so a clock that was set years ahead, by a dead battery or
by hand, must not decide it. The clock that counts since the boot cannot be set: as long as both
move together, the wall clock is believed. After a jump it is believed again once it has kept the
new time for a day, or for a week after a jump of months (docs/adr/0020). Until then nothing
retires by age.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Self

HOUR, DAY = 3_600, 86_400
TOLERANCE = 2 * HOUR  # of setting the clock right; times are kept in whole hours
ABSENCE = 4 * DAY  # a laptop that was off no longer than this needs no second look
FAR = 60 * DAY  # a jump beyond is doubted longer


@dataclass(frozen=True, slots=True)
class Sighting:
    """What all clocks said at one moment.

    Attributes:
        wall: Unix time.
        booted: seconds since the boot, sleep included.
        boot: number of that boot.
    """

    wall: int
    booted: int
    boot: int

    def agrees(self, later: "Sighting") -> bool:
        """Whether the wall clock can have run on from here to there."""
        moved = later.wall - self.wall
        if later.boot == self.boot:
            return abs(moved - (later.booted - self.booted)) <= TOLERANCE
        return -TOLERANCE <= moved <= ABSENCE

    def since(self, earlier: "Sighting") -> int:
        """Return the seconds that have passed at least, or by an agreeing wall clock."""
        if self.boot == earlier.boot:
            return self.booted - earlier.booted
        return self.wall - earlier.wall


@dataclass(frozen=True, slots=True)
class Sightings:
    """What is remembered of the clocks.

    Attributes:
        believed: the last sighting that was believed.
        doubted: the first one after a jump, while it is doubted.
        latest: the last one that agreed with it.
    """

    believed: Sighting
    doubted: Sighting | None = None
    latest: Sighting | None = None

    def look(self, now: Sighting) -> Self:
        """Return what is to be remembered after another look at the clocks."""
        if self.believed.agrees(now):
            return replace(self, believed=now, doubted=None, latest=None)
        if self.doubted is None or self.latest is None or not self.latest.agrees(now):
            return replace(self, doubted=now, latest=now)
        if now.since(self.doubted) >= self._patience():
            return replace(self, believed=now, doubted=None, latest=None)
        return replace(self, latest=now)

    def _patience(self) -> int:
        """Return how long a jump is doubted."""
        jump = abs(self.doubted.wall - self.believed.wall) if self.doubted else 0
        return DAY if jump <= FAR else 7 * DAY

    @property
    def trusted(self) -> bool:
        """Whether the wall clock is believed now."""
        return self.doubted is None

    def as_text(self) -> str:
        """Return it to be kept, in whole hours."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Self | None:
        """Read what ``as_text`` gave; None when it is anything else."""
        try:
            found = json.loads(text)
            believed = Sighting(**found["believed"])
            doubt = (found["doubted"], found["latest"])
            return cls(believed, *(Sighting(**each) if each else None for each in doubt))
        except (ValueError, TypeError, LookupError):
            return None


def sighting(wall: float, booted: float, boot: int) -> Sighting:
    """Return a sighting in whole hours: when a laptop was used is nobody's business."""
    return Sighting(int(wall // HOUR * HOUR), int(booted // HOUR * HOUR), boot)
