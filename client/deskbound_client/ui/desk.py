"""What the pages get: one open vault behind one lock, and the keys of whoever may look at it.

All of it lives only as long as the pages are open. Locking closes the vault and forgets the keys;
there is no way back but to run the command again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deskbound_client.paths import HomePaths
from deskbound_client.store.keys import KEYS_FILE
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import PermissionsError
from deskbound_strategies.pages.keys import DoorKeys

IDLE_SECONDS = 300.0


def awake_and_asleep() -> float:
    """Return seconds since the machine started, those it slept included where it can tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the next page says first: the receipt of a deed.

    Attributes:
        title: one sentence.
        lines: what else there is to know, in plain words.
        links: what one may want to do next: words and a path of ours.
    """

    title: str
    lines: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


class Desk:
    """One employee's open vault, for as long as the pages are open.

    Args:
        paths: of the home.
        vault: open; the desk closes it.
        authority: ``host:port`` that the pages are reached at, and no other.
        passphrase: for a child that must open the vault itself, through its standard input; empty
            where the key is in the system's keystore.
        idle_seconds: how long nobody may ask for anything before it locks.
        now: Unix time, for what is shown.
        clock: seconds that only go forward, sleep included where the system can tell.
    """

    def __init__(
        self,
        paths: HomePaths,
        vault: Vault,
        authority: str,
        *,
        passphrase: str = "",
        idle_seconds: float = IDLE_SECONDS,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = awake_and_asleep,
    ) -> None:
        self.paths = paths
        self.authority = authority
        self.idle_seconds = idle_seconds
        self.keys = DoorKeys()
        self.now = now
        self.passphrase = passphrase
        self._vault: Vault | None = vault
        self._turn = threading.RLock()
        self.clock = clock
        self._touched = clock()
        self._notice: Notice | None = None

    @contextmanager
    def vault(self) -> Iterator[Vault]:
        """Hold the open vault; one page at a time.

        Raises:
            PermissionsError: when the pages have been locked.
        """
        with self._turn:
            if self._vault is None:
                raise PermissionsError("These pages are locked.", "Run `deskbound ui` again.")
            yield self._vault

    def touch(self) -> None:
        """Note that the employee asked for something just now."""
        self._touched = self.clock()

    @property
    def seconds_left(self) -> float:
        """How long until it locks, when nobody asks for anything."""
        return self._touched + self.idle_seconds - self.clock()

    @property
    def homeless(self) -> bool:
        """Whether the vault's keys are gone from the disk: it was erased meanwhile."""
        return not (self.paths.home / KEYS_FILE).exists()

    @property
    def locked(self) -> bool:
        """Whether it has been locked."""
        return self._vault is None

    def lock(self) -> None:
        """Close the vault and forget all keys, for good; once more does nothing."""
        self.keys.destroy()
        with self._turn:
            self.passphrase = ""
            self._notice = None
            vault, self._vault = self._vault, None
            if vault is not None:
                vault.close()

    def say(self, notice: Notice) -> None:
        """Leave a notice for the next page."""
        self._notice = notice

    def take_notice(self) -> Notice | None:
        """Return the notice that was left, once."""
        notice, self._notice = self._notice, None
        return notice
