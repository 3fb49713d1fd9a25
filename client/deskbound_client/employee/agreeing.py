"""Agreeing, stream by stream: what is on offer, what holds, and what is taken back.

A revocation acts before anything is opened: the streams leave the control word first, so capture
of them ends even where the vault then does not open.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import SIGNALS, UPDATES_NAME, Signal, mask_of
from deskbound_client.consent import Receipt
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import FloorKeeper
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import NotFoundError, VaultDamagedError

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Offer:
    """One stream that can be agreed to.

    Attributes:
        signal: what it declares today.
        on: a receipt covers it as it is today.
        changed: the employee agreed to it, but what it means has changed since; it is off.
        receipt: the newest decision about it, None when there was none.
    """

    signal: Signal
    on: bool
    changed: bool
    receipt: Receipt | None


def offers(vault: Vault) -> tuple[Offer, ...]:
    """Return every stream with what was decided about it."""
    newest = {receipt.subject: receipt for receipt in consent.receipts(vault)}
    return tuple(_offer(vault, signal, newest.get(signal.name)) for signal in SIGNALS)


def _offer(vault: Vault, signal: Signal, receipt: Receipt | None) -> Offer:
    bound = signal.name != UPDATES_NAME or (
        receipt is not None and consent.within_floor(vault, receipt)
    )
    on = receipt is not None and receipt.covers(signal) and bound
    changed = receipt is not None and receipt.granted and not on
    return Offer(signal, on=on, changed=changed, receipt=receipt)


def chosen(names: Iterable[str]) -> tuple[Signal, ...]:
    """Return the signals of these names, or every one for ``all``.

    Raises:
        NotFoundError: there is no stream of a name.
    """
    known = {signal.name: signal for signal in SIGNALS}
    wanted = list(dict.fromkeys(names))
    wanted = list(known) if wanted == [EVERYTHING] else wanted
    for name in wanted:
        if name not in known:
            raise NotFoundError(f"There is no stream {name}.", f"Choose from {', '.join(known)}.")
    return tuple(known[name] for name in wanted)


def grant(paths: HomePaths, vault: Vault, names: Iterable[str]) -> tuple[Receipt, ...]:
    """Agree to these streams as they are declared today, and tell running processes.

    Raises:
        NotFoundError: there is no stream of a name; nothing is granted then.
    """
    wanted = chosen(names)
    if any(signal.name == UPDATES_NAME for signal in wanted):
        FloorKeeper(paths, vault).current()  # so that there is one to name in the receipt
    ledger = LedgerStore(vault)
    made = tuple(consent.grant(vault, signal.name, ledger) for signal in wanted)
    publish(paths, vault)
    return made


def stop(paths: HomePaths, names: Iterable[str]) -> None:
    """End capture of these streams at once; needs no vault. A grant must be taken back as well.

    Raises:
        NotFoundError: there is no stream of a name.
    """
    mask = mask_of(signal.name for signal in chosen(names))
    control = Control.open(paths.control)
    with suppress(VaultDamagedError):  # a damaged one reads as closed already
        control.set_streams(control.streams & ~mask)


def revoke(paths: HomePaths, vault: Vault, names: Iterable[str]) -> tuple[Receipt, ...]:
    """Take consent to these streams back. What they stored stays until it is forgotten.

    Raises:
        NotFoundError: there is no stream of a name.
        VaultDamagedError: the control file is damaged; it reads as closed, and the grants are gone.
    """
    signals = chosen(names)
    stop(paths, (signal.name for signal in signals))
    ledger = LedgerStore(vault)
    made = tuple(consent.revoke(vault, signal.name, ledger) for signal in signals)
    publish(paths, vault)
    return made


def publish(paths: HomePaths, vault: Vault) -> None:
    """Tell running processes: the mask in the control file is a copy of the signed receipts.

    Raises:
        VaultDamagedError: the control file is missing or damaged.
    """
    Control.open(paths.control).set_streams(mask_of(consent.granted(vault)))
