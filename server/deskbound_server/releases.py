"""Which reviewed releases contracts name: a signed manifest is logged, then named, until withdrawn.

A manifest is named only if the log holds it, and what the log holds stays: whoever signed code for
laptops has signed for everybody to see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deskbound_server.database import Database
from deskbound_server.log import Log
from deskbound_strategies.contract import MOST_RELEASES
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.log_entries import LoggedRelease, release_leaf


@dataclass(frozen=True, slots=True)
class Listed:
    """A release of the log.

    Attributes:
        release: what the log says of it.
        named: whether contracts name it.
    """

    release: LoggedRelease
    named: bool


def add(log: Log, database: Database, envelope: bytes, reviewer: str) -> LoggedRelease:
    """Log a signed manifest, unless it is there, and let contracts name it from now on.

    Args:
        log: of the server.
        database: that holds it.
        envelope: the signed manifest.
        reviewer: who signed it: raw public key, hex.

    Raises:
        VerificationError: it is no manifest, or another key signed it; nothing was logged.
        ConfigError: contracts name as many as they can.
    """
    found = LoggedRelease.open(envelope, reviewer)
    with log.turn() as rules:
        named = {*database.named_releases(), found.manifest}
        if len(named) > MOST_RELEASES:
            raise ConfigError(
                f"Contracts name {MOST_RELEASES} releases already.",
                "Withdraw one with 'deskbound-server release withdraw'.",
            )
        known = found.manifest in rules.releases
        leaves = [] if known else [release_leaf(envelope, reviewer)]
        log.check(leaves)
        database.name_release(found.manifest, leaves)
        log.checkpoint()  # so that witnesses see it now, and not with the next contract
    return found


def listed(log: Log, database: Database) -> list[Listed]:
    """Return all releases of the log, oldest first."""
    with log.turn() as rules:
        named = set(database.named_releases())
        return [Listed(one, name in named) for name, one in rules.releases.items()]


def withdraw(database: Database, name: str) -> str:
    """Let no further contract name a manifest; returns its whole name.

    Args:
        database: of the server.
        name: of the manifest, or how it begins.

    Raises:
        NotFoundError: contracts name none that begins so, or more than one.
    """
    found = _beginning(database.named_releases(), name.lower())
    database.withdraw_release(found)
    return found


def _beginning(names: Sequence[str], beginning: str) -> str:
    found = [one for one in names if beginning and one.startswith(beginning)]
    if len(found) != 1:
        which = "more than one release" if found else "no release"
        raise NotFoundError(
            f"Contracts name {which} of that name.",
            "List them with 'deskbound-server release list'.",
        )
    return found[0]
