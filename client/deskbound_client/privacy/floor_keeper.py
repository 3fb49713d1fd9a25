"""Looks at what is proposed, adopts what is tighter, and says which floor holds.

Whoever has the vault open looks: every command, capture and the executor once a second. A floor
that is looser in any bound waits until the employee accepts it, and meanwhile the old one holds.
A file that is missing, unreadable or not signed as it should be changes nothing.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floors import Floors, Held, Why
from deskbound_client.privacy.proposal import PINNED, Proposal, pinned_key, read_proposal
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import BusyError, DeskboundError, DiskFullError
from deskbound_strategies.floor import DEFAULT, PolicyFloor
from deskbound_strategies.floor_order import Difference, differences, is_tighter


@dataclass(frozen=True, slots=True)
class PolicyState:
    """Which floor holds, and what else is proposed.

    Attributes:
        held: the floor in force.
        proposal: what the file says.
    """

    held: Held
    proposal: Proposal

    @property
    def waiting(self) -> PolicyFloor | None:
        """The looser floor that waits to be accepted, if one does."""
        found = self.proposal.floor
        return None if found is None or found == self.held.floor else found

    @property
    def differences(self) -> tuple[Difference, ...]:
        """In which bounds the waiting floor differs from the one in force."""
        return differences(self.waiting, self.held.floor) if self.waiting else ()


class FloorKeeper:
    """Keeps the floor in force up to date for one open vault.

    Args:
        paths: of its home.
        vault: stays open as long as this is used.
        clock: Unix time.
    """

    def __init__(
        self, paths: HomePaths, vault: Vault, clock: Callable[[], float] = time.time
    ) -> None:
        self._paths = paths
        self._vault = vault
        self._clock = clock
        self._floors = Floors(vault, clock)
        self._seen: tuple[object, ...] | None = None
        self._state: PolicyState | None = None

    def current(self) -> PolicyFloor:
        """Return the floor in force, after a look at the file if anything has changed.

        Raises:
            ConfigError: when no floor was ever in force, and the file cannot be read.
            VaultDamagedError: when the record is not what this device signed.
        """
        return self.state().held.floor

    def state(self) -> PolicyState:
        """Return the same, with what is proposed.

        Raises:
            ConfigError, VaultDamagedError: see ``current``.
        """
        seen = self._fingerprint()
        if self._state is None or seen != self._seen:
            self._state = self._look()
            # The files as they were before the look: what changes during it is looked at again.
            recorded = self._state.held.number
            self._seen = (recorded, *seen[1:]) if recorded else None
        return self._state

    def _look(self) -> PolicyState:
        key = pinned_key(self._vault.settings)
        proposal = read_proposal(self._paths.floor, self._paths.floor_signature, key)
        held = self._floors.held()
        if held is None:
            if proposal.trouble is not None:
                raise proposal.trouble
            return PolicyState(self._adopt(proposal.floor or DEFAULT, Why.FIRST), proposal)
        found = proposal.floor
        if found is not None and found != held.floor and is_tighter(found, held.floor):
            held = self._adopt(found, Why.TIGHTER)
        return PolicyState(held, proposal)

    def _adopt(self, floor: PolicyFloor, why: Why) -> Held:
        # Where it cannot be written down it holds all the same: a tighter floor needs no record.
        # Number 0 says that it has none yet, and the next look tries again.
        with suppress(DiskFullError, BusyError):
            try:
                return self._floors.adopt(floor, why)
            except ValueError:  # another process was faster, and the reason fits no more
                if (held := self._floors.held()) is None:
                    raise
                return held
        return Held(0, floor, why, int(self._clock()))

    def _fingerprint(self) -> tuple[object, ...]:
        key = self._vault.settings.get(PINNED)
        files = (self._paths.floor, self._paths.floor_signature)
        return (self._floors.number, key, *map(_stamp, files))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def floor_in_force(paths: HomePaths, vault: Vault) -> PolicyFloor:
    """Return the floor in force, after one look at the file.

    Raises:
        ConfigError, VaultDamagedError: see ``FloorKeeper.current``.
    """
    return FloorKeeper(paths, vault).current()


def floor_to_show(vault: Vault) -> PolicyFloor:
    """Return the recorded floor, or the default one where there is none to rely on.

    It never raises and writes nothing: for what must not wait and decides nothing by it, such as
    forgetting, letting days go, and figures in receipts.
    """
    with suppress(DeskboundError):
        held = Floors(vault).held()
        if held is not None:
            return held.floor
    return DEFAULT
