"""Takes the days of an archive into a vault: each wholly or not at all, none that was forgotten.

The whole archive is checked before anything is stored, and each day once more while it is. Rows of
another vault become *imported*, which rounds never learn from (``federation/laptop.py``): the
budget of the laptop they came from is not here. Decisions, ledger and budget of another vault stay
in the archive, as proof; they are never mixed with this vault's own.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from deskbound_client.archive import rows as lines
from deskbound_client.archive.admission import Admission, mark_as_moved
from deskbound_client.archive.manifest import KINDS, Manifest, day_member, is_day
from deskbound_client.archive.reading import ArchiveReader
from deskbound_client.archive.writing import Progress
from deskbound_client.paths import HomePaths
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import (
    IMPORTED,
    Counts,
    Stored,
    StoredAction,
    StoredGap,
    StoredThumb,
)
from deskbound_client.store.vault import Vault
from deskbound_strategies import dsse
from deskbound_strategies.errors import NotFoundError, VerificationError

_ROWS_AT_ONCE = 500
_MEND = "Ask for the archive anew; do not repair it by hand."

Outcome = Literal["imported", "identical", "differs", "forgotten", "old", "future", "today"]


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """What became of one day.

    Attributes:
        day: its date.
        outcome: ``imported``; ``identical`` when it is stored already; ``differs`` when other rows
            are; ``forgotten`` when some of it was forgotten here; ``old`` when it is past the
            retention or its key is destroyed; ``future``; ``today`` when it is not complete.
        counts: the rows it has.
    """

    day: date
    outcome: Outcome
    counts: Counts


@dataclass(frozen=True, slots=True)
class ImportReceipt:
    """What was taken in.

    Attributes:
        device: fingerprint of the device whose archive it was; empty for other programs' data.
        own: whether that is this vault.
        days: what became of each day, oldest first.
        dropped: what has no word here, by name of its sort; counts only.
    """

    device: str
    own: bool
    days: tuple[DayOutcome, ...]
    dropped: tuple[tuple[str, int], ...] = ()

    @property
    def counts(self) -> Counts:
        """How many rows were stored."""
        stored = (day.counts for day in self.days if day.outcome == "imported")
        return sum(stored, start=Counts())


def import_archive(
    paths: HomePaths,
    vault: Vault,
    source: Path,
    *,
    passphrase: str | None = None,
    days: Sequence[date] | None = None,
    mine: bool = False,
    even_forgotten: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> ImportReceipt:
    """Take in the days of an archive.

    Args:
        paths: of the home.
        vault: open.
        source: the archive.
        passphrase: of an encrypted one.
        days: which days; all when None.
        mine: the archive is of an earlier vault of the same person: rows keep what they say of
            where they come from. Rounds do not learn from these days either.
        even_forgotten: take in days of which something was forgotten in this vault.
        progress: told now and then.
        now: the present, local; for tests.

    Raises:
        NotFoundError: when there is no such file, or a day is not in it.
        WrongPassphraseError: when the passphrase does not open it.
        VerificationError: when any byte of it is not as its device wrote it; nothing is stored.
        DiskFullError: when there is no room; days stored before stay, this one leaves nothing.
    """
    here = dsse.fingerprint(vault.signing_key().public_key())
    with ArchiveReader(source, passphrase) as archive:
        own = archive.manifest.device == here
        wanted = _wanted(archive.manifest, days)
        steps = _Passed(archive.manifest, wanted, progress)
        _check_everything(archive, steps)
        admission = Admission.of(paths, vault, now, again=even_forgotten)
        found = []
        for day in wanted:
            kept = _Day(archive, day, steps, foreign=not (own or mine))
            if (barred := admission.bars(day)) is not None:
                found.append(DayOutcome(day, barred, kept.counts))
                continue
            if mine and not own:
                mark_as_moved(vault, day)
            found.append(DayOutcome(day, store_day(vault, day, kept.rows), kept.counts))
    return ImportReceipt(archive.manifest.device, own, tuple(found))


def store_day(vault: Vault, day: date, rows: Callable[[], Iterator[Stored]]) -> Outcome:
    """Store a day that is not there yet, all of it in one transaction.

    Args:
        vault: open.
        day: the day whose file takes the rows.
        rows: gives them anew each time it is called: actions, then pictures, then holes.
    """
    try:
        opened = vault.day(day, create=True)
    except NotFoundError:
        return "old"
    # One of our own, whose memory of what it stored ends with a transaction that may be undone.
    file = DayFile(opened.connection)
    with vault.committing(), file.connection.transaction():
        if file.counts() != Counts():  # looked at where nobody can add to it
            return "identical" if _same(file, rows()) else "differs"
        waiting = rows()
        while several := list(itertools.islice(waiting, _ROWS_AT_ONCE)):
            file.append(
                [row for row in several if isinstance(row, StoredAction)],
                [row for row in several if isinstance(row, StoredThumb)],
                [row for row in several if isinstance(row, StoredGap)],
            )
    return "imported"


def _same(file: DayFile, rows: Iterator[Stored]) -> bool:
    stored: Iterator[Stored] = itertools.chain(file.actions(), file.thumbs(), file.gaps())
    return all(a == b for a, b in itertools.zip_longest(stored, rows))


def _wanted(manifest: Manifest, days: Sequence[date] | None) -> list[date]:
    there = manifest.days()
    for day in days or ():
        if day not in there:
            raise NotFoundError(
                f"{day.isoformat()} is not in this archive.",
                f"It has {', '.join(map(date.isoformat, there)) or 'no days'}.",
            )
    return [day for day in there if days is None or day in days]


def _check_everything(archive: ArchiveReader, steps: "_Passed") -> None:
    """Read all of it once, so that nothing is stored of an archive with one bad row."""
    for day in archive.manifest.days():
        for _ in _Day(archive, day, steps, foreign=False).rows():
            pass
    for member in archive.manifest.members:
        if not is_day(member.name) or member.name.endswith(".parquet"):
            for _ in archive.parts(member.name):
                pass


class _Day:
    """The rows of one day of an archive."""

    def __init__(
        self, archive: ArchiveReader, day: date, steps: "_Passed", *, foreign: bool
    ) -> None:
        self._archive, self._day, self._steps, self._foreign = archive, day, steps, foreign
        self.counts = Counts(
            *(archive.manifest.member(day_member(day, kind)).rows for kind in KINDS)
        )

    def rows(self) -> Iterator[Stored]:
        """Yield them: actions, pictures, holes."""
        yield from self._read("actions", lines.parse_action)
        yield from self._read("thumbs", lines.parse_thumb)
        yield from self._read("gaps", lines.parse_gap)

    def _read(self, kind: str, parse: Callable[[bytes], Any]) -> Iterator[Stored]:
        name = day_member(self._day, kind)
        for number, line in enumerate(self._archive.lines(name), 1):
            self._steps.passed()
            try:
                row = parse(line)
            except ValueError:
                row = None
            if row is None:
                raise VerificationError(f"{name}: line {number} is not a row of a vault.", _MEND)
            foreign = self._foreign and not isinstance(row, StoredGap)
            yield replace(row, source=IMPORTED) if foreign else row


class _Passed:
    """Counts the rows that were read: all to check them, the wanted ones to store them."""

    def __init__(
        self, manifest: Manifest, wanted: Sequence[date], progress: Progress | None
    ) -> None:
        rows = dict.fromkeys(manifest.days(), 0)
        for day in rows:
            rows[day] = sum(manifest.member(day_member(day, kind)).rows for kind in KINDS)
        self._total = sum(rows.values()) + sum(rows[day] for day in wanted)
        self._done, self._progress = 0, progress

    def passed(self) -> None:
        """Count one more."""
        self._done += 1
        if self._progress is not None and self._done % _ROWS_AT_ONCE == 0:
            self._progress(self._done, self._total)
