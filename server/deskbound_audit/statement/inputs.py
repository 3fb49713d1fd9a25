"""Reads what a statement is made from: ledgers with their times, a plan, the controller's words."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskbound_audit.epsilon import check_claims
from deskbound_strategies.accounting import SampledGaussian
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError
from deskbound_strategies.ledger import LedgerEntry
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import LedgerSummary, verify_export

ABOUT = (
    "controller", "contact", "data_protection_officer", "purpose", "legal_basis", "data_subjects",
    "recipients", "third_countries", "deployed_since",
)  # fmt: skip
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Ledger:
    """A verified export.

    Attributes:
        name: of the file.
        summary: its totals.
        consent_days: days between the first agreement to ``updates`` and its end, or the last
            entry, begun days included; 0 when it was never agreed to.
    """

    name: str
    summary: LedgerSummary
    consent_days: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The terms of a round plan that matter for privacy."""

    task: str
    rounds: int
    unit: str
    sampling_rate: float
    noise_multiplier: float
    clip: float
    steps: int
    minimum_cohort: int

    @property
    def event(self) -> SampledGaussian:
        """One round."""
        return SampledGaussian(self.sampling_rate, self.noise_multiplier, self.steps)


def read_ledger(path: Path) -> Ledger:
    """Read and verify an export.

    Raises:
        NotFoundError: when it cannot be read.
        VerificationError: when it does not verify.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise NotFoundError(
            f"The ledger {path.name} cannot be read.", "Check the path and its permissions."
        ) from None
    try:
        summary = verify_export(data)
        check_claims(summary)
    except VerificationError as error:
        raise VerificationError(f"{path.name}: {error.sentence}", error.mend) from None
    entries = [LedgerEntry.from_envelope(line) for line in data.splitlines()[1:-1]]
    return Ledger(path.name, summary, _consent_days(entries))


def _consent_days(entries: list[LedgerEntry]) -> int:
    hours, since = 0, None
    for entry in entries:
        if entry.kind is LedgerKind.CONSENT and entry.body["subject"] == "updates":
            if entry.body["granted"]:
                since = entry.at if since is None else since
            elif since is not None:
                hours, since = hours + (entry.at - since) // 3600 + 1, None
    if since is not None:
        hours += (entries[-1].at - since) // 3600 + 1
    return -(-hours // HOURS_A_DAY)


def read_plan(path: Path) -> Plan:
    """Read a round plan as ``deskbound-server run`` takes it.

    Raises:
        ConfigError: naming the setting that is missing or not a number.
    """
    raw = _toml(path)
    unit = raw.get("unit", "session")
    if unit not in {"session", "day"}:
        raise ConfigError(f'{path.name}: unit is neither "session" nor "day".', "Correct it.")
    whole = {name: _number(path, raw, name, int) for name in ("rounds", "steps", "minimum_cohort")}
    real = {
        name: _number(path, raw, name, float)
        for name in ("sampling_rate", "noise_multiplier", "clip")
    }
    if real["sampling_rate"] > 1.0:
        raise ConfigError(f"{path.name}: sampling_rate exceeds 1.", "Give a probability.")
    return Plan(task=str(raw.get("task", "")), unit=unit, **whole, **real)


def read_about(path: Path) -> dict[str, str]:
    """Read what only the controller can say; every key is optional, an unknown one is an error.

    Raises:
        ConfigError: naming the key that is unknown or not a text.
    """
    raw = _toml(path)
    for key, value in raw.items():
        if key not in ABOUT or not isinstance(value, str):
            raise ConfigError(
                f"{path.name}: {key} is not one of the texts asked for.",
                f"Give texts for any of {', '.join(ABOUT)}.",
            )
    return raw


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no file {path.name}.", "Name an existing TOML file."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ConfigError(
            f"{path.name} cannot be read as TOML.", "Write one `name = value` a line."
        ) from None


def _number(path: Path, raw: dict[str, Any], name: str, kind: type) -> Any:
    value = raw.get(name)
    allowed = (int, float) if kind is float else (int,)
    if isinstance(value, bool) or not isinstance(value, allowed) or not value > 0:
        raise ConfigError(f"{path.name}: {name} is missing or no positive number.", "Correct it.")
    return kind(value)
