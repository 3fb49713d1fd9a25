"""What a process that holds the vault does beside its work: lets days go, writes pauses down.

It also keeps the small file that says what left last, for a status without the vault.

Pausing needs no key, so it cannot write the ledger itself; whoever has the vault open notices the
control word and does. A pause that began and ended while nobody had it open is not written down:
nothing could have been kept or sent in it either.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date

from deskbound_client.capture.clocks import boot_number, since_boot
from deskbound_client.capture.control import Control
from deskbound_client.config import Config
from deskbound_client.employee import forgetting
from deskbound_client.employee.summary import entries_of, summarize, write_summary
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.floor_keeper import FloorKeeper, floor_to_show
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.retention import day_starts_at
from deskbound_client.store.sightings import Sighting, Sightings, sighting
from deskbound_client.store.vault import Vault, day_of
from deskbound_strategies.errors import BusyError, DeskboundError
from deskbound_strategies.ledger_bodies import LedgerKind

RETIRE_SECONDS = 3600.0
SUMMARY_SECONDS = 10.0
AGAIN_SECONDS = 60.0  # after something failed: a full disk, another process
MEGABYTE = 1_000_000
_RETIRED = "retired-on"  # the setting that says on which day this was done last
_CLOCKS = "clocks"  # the setting that remembers what the clocks said
_NOTED = "pause-noted"  # the setting that says what the ledger says: open, paused or timed


class Upkeep:
    """Keeps one open vault in order; for the thread that uses the vault.

    Args:
        vault: stays open as long as this is used.
        paths: of its home.
        config: what the employee has set.
        tell: told what fails, and None when it works again.
        clock: Unix time.
        steady: monotonic seconds.
        booted: seconds since the boot, sleep included; nobody can set them.
        boot: number of that boot.
    """

    def __init__(
        self,
        vault: Vault,
        paths: HomePaths,
        config: Config,
        tell: Callable[[DeskboundError | None], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        booted: Callable[[], float] = since_boot,
        boot: Callable[[], int] = boot_number,
    ) -> None:
        self._vault = vault
        self._paths = paths
        self._config = config
        self._tell = tell
        self._clock = clock
        self._steady = steady
        self._booted = booted
        self._boot = boot
        self._ledger = LedgerStore(vault, clock)
        self._floors = FloorKeeper(paths, vault, clock)
        self._control = Control.open(paths.control)
        self._seen: int | None = None
        self._retired_on: date | None = None
        self._retire_at = self._not_before = self._summary_at = 0.0
        self._summarized = -1
        self._failing = False

    def tick(self) -> None:
        """Do what is due; call it about once a second. It costs one memory read when nothing is."""
        if self._steady() < self._not_before:
            return
        try:
            self._note_pause()
            forgetting.finish(self._vault)
            self._retire()
            self._floors.current()  # a tighter floor that is proposed holds from now on
            self._summarize()
        except DeskboundError as error:
            self._not_before = self._steady() + AGAIN_SECONDS
            if not isinstance(error, BusyError):  # which passes by itself
                self._failing = True
                self._tell(error)
        else:
            if self._failing:
                self._failing = False
                self._tell(None)

    def tidy(self) -> None:
        """Do what cannot wait for an agent, once a day; for a command that has the vault open.

        What fails is left to the next one: nobody asked for it.
        """
        today = day_of(self._clock()).isoformat()
        with suppress(DeskboundError):
            forgetting.finish(self._vault)
            if self._vault.settings.get(_RETIRED) != today:
                self._retire()

    def _note_pause(self) -> None:
        if self._control.replaced:
            self._control.close()
            self._control = Control.open(self._paths.control)
        word = self._control.word()
        if word == self._seen:
            return
        state = "open" if not word & 1 else "timed" if self._control.paused_until else "paused"
        with self._vault.database.transaction():  # the other process sees the same change
            if self._vault.settings.get(_NOTED, "open") != state:
                self._vault.settings.set(_NOTED, state)
                self._append(state)
        self._seen = word

    def _append(self, state: str) -> None:
        if state == "open":
            by = "timer" if self._control.ended_by_timer else "person"
            self._ledger.append(LedgerKind.RESUME, {"by": by})
        else:
            self._ledger.append(LedgerKind.PAUSE, {"timed": state == "timed"})

    def _retire(self) -> None:
        """Let days go when the agent starts, every hour, and when a new day has begun."""
        now = self._clock()
        if self._steady() < self._retire_at and self._retired_on == day_of(now):
            return
        self._vault.retire(
            now,
            keep_days=self._config.retention_days,
            cap_bytes=self._config.size_cap_mb * MEGABYTE,
            noted=self._retired,
            by_age=self._clock_is_believed(now),
        )
        self._retired_on, self._retire_at = day_of(now), self._steady() + RETIRE_SECONDS
        today = self._retired_on.isoformat()
        if self._vault.settings.get(_RETIRED) != today:
            self._vault.settings.set(_RETIRED, today)

    def _retired(self, day: date, reason: str) -> None:
        floor = floor_to_show(self._vault)  # no floor keeps a day from going
        Budget(self._ledger, floor, self._clock).retired(day, reason)

    def _clock_is_believed(self, now: float) -> bool:
        """Look at the clocks, remember what they say, and return whether days may go by them."""
        seen = sighting(now, self._booted(), self._boot())
        with self._vault.database.transaction():  # two processes look
            before = Sightings.of_text(self._vault.settings.get(_CLOCKS)) or self._first(seen)
            after = before.look(seen)
            if after != before:
                self._vault.settings.set(_CLOCKS, after.as_text())
        return after.trusted

    def _first(self, seen: Sighting) -> Sightings:
        """Return what to compare the first look with: the newest day, where there is one."""
        days = self._vault.days()
        if not days:
            return Sightings(seen)
        return Sightings(Sighting(day_starts_at(days[-1].toordinal()), 0, 0))

    def _summarize(self) -> None:
        """Say what left last, whenever the ledger has grown; once at the start in any case."""
        if self._steady() < self._summary_at:
            return
        self._summary_at = self._steady() + SUMMARY_SECONDS
        entries = entries_of(self._vault)
        if entries != self._summarized:
            write_summary(self._paths, summarize(self._vault, self._floors.current()))
            self._summarized = entries
