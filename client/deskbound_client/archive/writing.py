"""Writes an archive: row by row, so memory does not grow with what is stored."""

import hashlib
import io
import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, cast

from deskbound_client import consent
from deskbound_client.archive import rows as lines
from deskbound_client.archive.age import AgeWriter
from deskbound_client.archive.explain import readme
from deskbound_client.archive.manifest import (
    BUDGET,
    CONSENT,
    FORGOTTEN,
    LEDGER,
    MANIFEST,
    README,
    SETTINGS,
    SIGNATURE,
    Manifest,
    Member,
    day_member,
)
from deskbound_client.archive.output import new_file
from deskbound_client.config import load_config
from deskbound_client.employee import receipts as forgotten
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import floor_to_show
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.state import PrivacyState
from deskbound_client.store.days import DayFile
from deskbound_client.store.rows import Counts
from deskbound_client.store.vault import Vault
from deskbound_strategies import ledger
from deskbound_strategies.errors import NotFoundError, VaultDamagedError

_LINES_AT_ONCE = 512
_COMPRESSION = 6
_UNIX = 3
# Where something lies is no property of the person, and this one says where to look for a secret.
_NOT_EXPORTED = ("passphrase_file",)

Progress = Callable[[int, int], None]
"""Told how many rows of how many are done."""


@dataclass(frozen=True, slots=True)
class ExportReceipt:
    """What was written.

    Attributes:
        path: the archive.
        encrypted: whether it needs a passphrase to be read.
        bytes: its length.
        sha256: of the whole file, hex.
        device: fingerprint of the key that signed it.
        days: the days in it.
        counts: their rows.
        damaged: days that are stored but could not be read; the archive is without them.
    """

    path: Path
    encrypted: bool
    bytes: int
    sha256: str
    device: str
    days: tuple[date, ...]
    counts: Counts
    damaged: tuple[date, ...]


def export_vault(
    paths: HomePaths,
    vault: Vault,
    target: Path,
    *,
    passphrase: str | None = None,
    days: Sequence[date] | None = None,
    force: bool = False,
    parquet: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> ExportReceipt:
    """Write everything about the person into one file, readable by its owner alone.

    Args:
        paths: of the home.
        vault: open.
        target: the archive; there whole when this returns, or not at all.
        passphrase: encrypts the archive; None leaves it readable by whoever has it.
        days: which days; all when None.
        force: replace a file of that name.
        parquet: put the rows in as Parquet too; needs pyarrow.
        progress: told now and then.
        now: the present, local; for tests.

    Raises:
        ConfigError: when the file exists, or pyarrow is not installed.
        NotFoundError: when a day is not stored.
        DiskFullError: when there is no room; nothing is left behind.
        VerificationError: when the ledger is not what this device wrote.
    """
    table = _parquet() if parquet else None
    created = (now or datetime.now().astimezone()).date()
    sizes, damaged = _sizes(vault, days)
    steps = _Steps(sum(c.actions + c.thumbs + c.gaps for c in sizes.values()), progress)
    with new_file(target, replace=force) as stream:
        hashed = _Hashed(stream)
        sealed = None if passphrase is None else AgeWriter(hashed, passphrase)
        written = _Archive(cast("IO[bytes]", sealed or hashed), created)
        with written.zip:
            _write_about(written, paths, vault)
            counts = Counts()
            for day in sizes:
                counts += _write_day(written, vault.day(day), day, steps, table)
            manifest = Manifest.of(written.members, created, vault.signing_key())
            written.put(MANIFEST, manifest.to_bytes())
            written.put(SIGNATURE, manifest.signed(vault.signing_key()))
        if sealed is not None:
            sealed.finish()
        size, digest = hashed.count, hashed.digest.hexdigest()
    return ExportReceipt(
        target, passphrase is not None, size, digest, manifest.device, tuple(sizes), counts, damaged
    )


def _sizes(
    vault: Vault, days: Sequence[date] | None
) -> tuple[dict[date, Counts], tuple[date, ...]]:
    """Return how many rows each wanted day has, and the days that cannot be read."""
    stored = vault.days()
    for day in days or ():
        if day not in stored:
            raise NotFoundError(
                f"Nothing is stored for {day.isoformat()}.", "`deskbound show` lists the days."
            )
    sizes, damaged = {}, []
    for day in stored if days is None else sorted(set(days)):
        try:
            sizes[day] = vault.day(day).counts()
        except VaultDamagedError:
            damaged.append(day)
        except NotFoundError:  # forgotten since we asked
            continue
    return sizes, tuple(damaged)


def _write_about(written: "_Archive", paths: HomePaths, vault: Vault) -> None:
    """Write what is not of a day."""
    written.put(README, readme().encode())
    decided = consent.receipts(vault)
    written.put_lines(CONSENT, (_line(_plain(asdict(receipt))) for receipt in decided))
    gone = forgotten.receipts(vault)
    signed = ({**receipt.body(), "signature": receipt.signature.hex()} for receipt in gone)
    written.put_lines(FORGOTTEN, map(_line, signed))
    entries = LedgerStore(vault).entries()
    written.put_lines(LEDGER, ledger.export(entries, vault.signing_key()))
    written.put(BUDGET, _page({"blocks": _blocks(vault)}))
    written.put(SETTINGS, _page(_settings(paths, vault)))


def _write_day(
    written: "_Archive", file: DayFile, day: date, steps: "_Steps", table: Any
) -> Counts:
    """Write one day; what is forgotten meanwhile is simply not there any more."""
    found = Counts(
        written.put_lines(
            day_member(day, "actions"), (lines.action_line(row) for row in steps(file.actions()))
        ),
        written.put_lines(
            day_member(day, "thumbs"), (lines.thumb_line(row) for row in steps(file.thumbs()))
        ),
        written.put_lines(
            day_member(day, "gaps"), (lines.gap_line(row) for row in steps(file.gaps()))
        ),
    )
    if table is not None:
        for kind, rows in (("actions", file.actions()), ("thumbs", file.thumbs())):
            with written.member(day_member(day, kind, "parquet")) as sink:
                sink.rows = table.write(kind, rows, sink)
    return found


class _Steps:
    """Counts rows as they pass."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0

    def __call__(self, rows: Iterable[Any]) -> Iterator[Any]:
        for row in rows:
            yield row
            self._done += 1
            if self._progress is not None and self._done % _LINES_AT_ONCE == 0:
                self._progress(self._done, self._total)


class _Hashed(io.RawIOBase):
    """Passes bytes on, counts them and hashes them."""

    def __init__(self, out: IO[bytes]) -> None:
        super().__init__()
        self._out = out
        self.count, self.rows = 0, 0
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        given = bytes(data)
        self._out.write(given)
        self.digest.update(given)
        self.count += len(given)
        return len(given)


class _Archive:
    """A zip that grows to its end and is never looked back into, so that it can be encrypted."""

    def __init__(self, out: IO[bytes], created: date) -> None:
        self.zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION)
        self.members: list[Member] = []
        self._date = (max(created.year, 1980), created.month, created.day, 0, 0, 0)

    def put(self, name: str, data: bytes) -> None:
        """Write a member that is short."""
        with self.member(name) as sink:
            sink.write(data)

    def put_lines(self, name: str, found: Iterable[bytes]) -> int:
        """Write a member line by line; return how many."""
        waiting = iter(found)
        with self.member(name) as sink:
            while several := list(itertools.islice(waiting, _LINES_AT_ONCE)):
                sink.write(b"".join(several))
                sink.rows += len(several)
        return sink.rows

    def member(self, name: str) -> "_Sink":
        """Begin a member; it is in ``members`` when its ``with`` ends."""
        entry = zipfile.ZipInfo(name, self._date)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system, entry.external_attr = _UNIX, 0o600 << 16
        return _Sink(self, name, self.zip.open(entry, "w", force_zip64=True))


class _Sink(_Hashed):
    """One member while it is written."""

    def __init__(self, archive: _Archive, name: str, out: IO[bytes]) -> None:
        super().__init__(out)
        self._archive, self._name = archive, name

    def __exit__(self, *failed: object) -> None:
        self._out.close()
        digest = self.digest.hexdigest()
        self._archive.members.append(Member(self._name, self.count, digest, self.rows))


def _blocks(vault: Vault) -> list[dict[str, Any]]:
    """Return what each day of data has been charged; days that are gone have only a pseudonym."""
    state = PrivacyState(vault.database)
    days = {state.name_of(day): day.isoformat() for day in vault.days()}
    return [
        {
            "block": block.name,
            "day": days.get(block.name),
            "unit": block.unit.partition("/")[0],
            "rounds": block.charges,
            "steps": block.steps,
            "curve": block.curve.to_bytes().hex(),
        }
        for block in state.blocks()
    ]


def _settings(paths: HomePaths, vault: Vault) -> dict[str, Any]:
    config = asdict(load_config(paths.config))
    for name in _NOT_EXPORTED:
        config.pop(name, None)
    return {
        "config": config,
        "vault": dict(vault.settings),
        "floor": _plain(asdict(floor_to_show(vault))),
    }


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value that JSON can say: bytes as hex, no infinities."""
    return {name: _said(item) for name, item in value.items()}


def _said(item: Any) -> Any:
    if isinstance(item, bytes):
        return item.hex()
    if isinstance(item, float) and math.isinf(item):
        return None
    return item


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _page(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _parquet() -> Any:
    from deskbound_client.archive import parquet  # noqa: PLC0415 - slow, and seldom there

    parquet.check_installed()
    return parquet
