"""Looks inside the open vault: every page, every link of the ledger, every signature."""

from deskbound_client import consent
from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import SIGNALS, mask_of
from deskbound_client.doctor.finding import Finding, note, ok, warn, wrong, wrong_as
from deskbound_client.employee.words import counted
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import FloorKeeper
from deskbound_client.privacy.floors import Floors
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import DeskboundError


def check_pages(vault: Vault) -> Finding:
    """Every page of every file is as it was written."""
    damaged = vault.damage()
    if damaged:
        first = min(damaged)
        others = f" and {counted(len(damaged) - 1, 'other file')}" if len(damaged) > 1 else ""
        return wrong(
            "pages",
            f"{first}{others} is damaged; what it holds cannot be trusted.",
            "Other days are not affected: `deskbound forget --day` removes a damaged one.",
        )
    return ok("pages", f"Every page of {counted(1 + len(vault.days()), 'file')} is sound.")


def check_ledger(vault: Vault) -> Finding:
    """The ledger is one unbroken, signed chain."""
    try:
        entries = sum(1 for _ in LedgerStore(vault).entries())
    except DeskboundError as error:
        return wrong_as("ledger", error)
    return ok("ledger", f"The ledger is unbroken: {counted(entries, 'signed line')}.")


def check_receipts(vault: Vault) -> Finding:
    """Every consent receipt carries this device's signature."""
    try:
        receipts = consent.receipts(vault)
    except DeskboundError as error:
        return wrong_as("receipts", error)
    unsigned = sum(1 for receipt in receipts if not receipt.signature)
    if unsigned:
        return wrong(
            "receipts",
            f"{counted(unsigned, 'consent receipt')} was not signed by this laptop.",
            "Each counts as a revocation; see `deskbound consent show` and agree anew.",
        )
    return ok("receipts", f"You signed {counted(len(receipts), 'decision')} about consent.")


def check_consent(vault: Vault, paths: HomePaths) -> Finding:
    """The control file names no stream that a signed receipt does not cover."""
    control = Control.open(paths.control)
    named = control.streams
    control.close()
    agreed = mask_of(consent.granted(vault))
    if named & ~agreed:
        names = ", ".join(one.name for one in SIGNALS if named & ~agreed & one.bit) or "unknown"
        return wrong(
            "consent",
            f"The control file names streams that you did not agree to: {names}.",
            "Nothing is kept of them; any `deskbound consent` command puts it right.",
        )
    if agreed & ~named:
        names = ", ".join(one.name for one in SIGNALS if agreed & ~named & one.bit)
        return warn(
            "consent",
            f"You agreed to streams that are not being kept: {names}.",
            "Grant them again with `deskbound consent grant`.",
        )
    return ok("consent", "What may be kept is exactly what you agreed to.")


def check_policy(vault: Vault, paths: HomePaths) -> Finding:
    """The policy floor in force is signed; what is proposed counts, or it is said why not."""
    try:
        Floors(vault).history()
        found = FloorKeeper(paths, vault).state()
    except DeskboundError as error:
        return wrong_as("policy", error)
    trouble = found.proposal.trouble
    if trouble is not None:
        return warn("policy", f"{trouble.sentence} What was in force stays so.", trouble.mend)
    if found.waiting is not None:
        return note(
            "policy",
            "A looser policy floor is proposed; it is not in force.",
            "See `deskbound policy show`; nothing changes unless you accept it.",
        )
    return ok("policy", f"The policy floor {found.held.floor.profile} is in force, signed.")
