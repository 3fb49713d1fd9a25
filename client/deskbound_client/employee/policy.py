"""The policy floor for the employee: which holds, what is proposed, accepting and setting it."""

import tomllib
from collections.abc import Iterable
from typing import Any

from deskbound_client import consent
from deskbound_client.capture.signals import UPDATES_NAME
from deskbound_client.employee import agreeing
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import FloorKeeper, PolicyState
from deskbound_client.privacy.floors import Floors, Held, Why
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.privacy.proposal import pinned_key
from deskbound_client.store.files import replace_private
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.floor import DEFAULT, PROFILES, PolicyFloor
from deskbound_strategies.floor_file import floor_from, to_toml
from deskbound_strategies.floor_order import is_tighter

_WHY = {
    Why.FIRST: "it was the first one",
    Why.TIGHTER: "it is tighter than the one before",
    Why.ACCEPTED: "you accepted it",
}


def state(paths: HomePaths, vault: Vault) -> PolicyState:
    """Return which floor holds and what else is proposed.

    Raises:
        ConfigError: when no floor was ever in force, and the file cannot be read.
        VaultDamagedError: when the record is not what this device signed.
    """
    return FloorKeeper(paths, vault).state()


def accept(paths: HomePaths, vault: Vault, digest: str) -> Held:
    """Put the looser floor that waits in force; a consent to updates that holds is renewed for it.

    Record, receipt and ledger entries are one transaction.

    Args:
        paths: of the vault's home.
        vault: open.
        digest: of the floor that was shown; another one is not accepted.

    Raises:
        NotFoundError: when none waits.
        ConfigError: when the one that waits is not the one that was shown.
    """
    found = state(paths, vault)
    if found.waiting is None:
        raise NotFoundError("No other policy floor waits.", "See `deskbound policy show`.")
    if found.waiting.digest() != digest:
        raise ConfigError(
            "The proposed floor is not the one you were shown.", "Look at it again, then decide."
        )
    with vault.database.transaction():
        agreed = UPDATES_NAME in consent.granted(vault)
        held = Floors(vault).adopt(found.waiting, Why.ACCEPTED)
        if agreed:
            consent.grant(vault, UPDATES_NAME, LedgerStore(vault))
    agreeing.publish(paths, vault)
    return held


def propose(paths: HomePaths, vault: Vault, wishes: Iterable[str]) -> PolicyState:
    """Write down a floor of the employee's own: what is tighter holds at once, the rest waits.

    Where a policy key is pinned, the file stays as its owner signed it, and only a tighter floor
    can be set.

    Args:
        paths: of the vault's home.
        vault: open.
        wishes: a profile, single bounds as ``name=value``, or both.

    Raises:
        ConfigError: when a name or value is not acceptable, or a pinned key forbids it.
    """
    held = state(paths, vault).held
    wanted = wished(wishes, held.floor)
    if pinned_key(vault.settings) is None:
        replace_private(paths.floor, to_toml(wanted))
    elif is_tighter(wanted, held.floor):
        Floors(vault).adopt(wanted, Why.TIGHTER)
    else:
        raise ConfigError(
            "This floor is looser, and only a signed floor.toml may propose such a one here.",
            "Ask whoever deploys this laptop, or run `deskbound policy pin none`.",
        )
    return state(paths, vault)


def wished(wishes: Iterable[str], start: PolicyFloor) -> PolicyFloor:
    """Return the floor that a profile and single bounds describe, on top of another.

    Raises:
        ConfigError: when a name or value is not acceptable.
    """
    bounds: dict[str, Any] = {}
    for wish in wishes:
        name, equals, value = wish.partition("=")
        if equals:
            bounds[name.strip()] = _value(name.strip(), value.strip())
        elif wish in PROFILES:
            start = PROFILES[wish]
        else:
            raise ConfigError(
                f"There is no profile {wish}.",
                f"Choose from {', '.join(PROFILES)}, or give a bound as name=value.",
            )
    kept = start.values() | {"epsilon_total": start.epsilon_total}
    profile = start.profile if start.profile in PROFILES else DEFAULT.profile
    return floor_from(kept | bounds | {"profile": profile}, "The floor")


def _value(name: str, text: str) -> Any:
    """Read a value as TOML spells it; a bare word, or words with commas, need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        words = [word.strip() for word in text.split(",")]
        return text if name == "sandbox" else words


def why_words(held: Held) -> str:
    """Return why a floor holds, in words."""
    return _WHY[held.why]
