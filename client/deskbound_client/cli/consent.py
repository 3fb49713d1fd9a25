"""``deskbound consent``: what the employee has agreed to, one stream at a time."""

import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from deskbound_client import consent as decisions
from deskbound_client.capture.signals import UPDATES_NAME, Signal
from deskbound_client.cli.session import (
    AsJson,
    check_vault,
    console,
    open_vault,
    open_vault_to_forget,
    paths_of,
    print_below,
    print_json,
    somebody_is_there,
)
from deskbound_client.employee import agreeing, forgetting
from deskbound_client.employee.agreeing import Offer
from deskbound_client.employee.words import counted
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.floor_keeper import floor_in_force
from deskbound_client.store.vault import Vault
from deskbound_strategies import dsse
from deskbound_strategies.policy import describe

Subjects = Annotated[
    list[str], typer.Argument(help="keys, pointer, windows, screen, rhythm, updates or all.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Show, grant or revoke consent, one stream at a time.", no_args_is_help=True
    )
    for command in (show, grant, revoke, receipts):
        group.command()(command)
    app.add_typer(group, name="consent")


def show(
    context: typer.Context,
    json: AsJson = False,
) -> None:
    """Show every stream: on or off, what it keeps, why, and for how long.

    Example: deskbound consent show
    """
    with open_vault(context) as vault:
        offers = agreeing.offers(vault)
    if json:
        print_json({offer.signal.name: _as_dict(offer) for offer in offers})
        return
    for offer in offers:
        _explain(offer.signal, on=offer.on)
        if offer.changed:
            name = offer.signal.name
            print_below(
                "[bold yellow]Its meaning changed since you agreed, so it is off.[/]"
                f" Agree anew with `deskbound consent grant {name}`."
            )


def grant(
    context: typer.Context,
    subjects: Subjects,
    yes: Annotated[bool, typer.Option("--yes", help="Agree without being asked.")] = False,
) -> None:
    """Agree to one or more streams; each leaves a signed receipt.

    What a stream keeps, why and for how long is shown first; in a terminal you are then asked.
    Nothing is captured before `deskbound start`, and only while the gate is open.

    Example: deskbound consent grant keys pointer windows
    """
    chosen = agreeing.chosen(subjects)
    paths = paths_of(context)
    with open_vault(context) as vault:
        asked = not yes and somebody_is_there()
        if asked:
            _explain_all(chosen)
            _explain_floor(paths, vault, chosen)
            if not typer.confirm("Do you agree?"):
                console.print("Nothing has changed.")
                return
        agreeing.grant(paths, vault, _names(chosen))
        if not asked:
            _explain_all(chosen)
            _explain_floor(paths, vault, chosen)
    console.print(f"On: {', '.join(_names(chosen))}.")


def revoke(
    context: typer.Context,
    subjects: Subjects,
    forget: Annotated[
        bool | None,
        typer.Option(
            "--forget/--keep", help="Forget what they stored, or keep it; asked if not said."
        ),
    ] = None,
) -> None:
    """Take consent back; capture of the stream stops at once.

    It stops before you are asked for anything. Then you may forget what the stream stored.

    Example: deskbound consent revoke screen --forget
    """
    chosen = agreeing.chosen(subjects)
    paths = paths_of(context)
    check_vault(paths)
    agreeing.stop(paths, _names(chosen))
    with open_vault_to_forget(context) as vault:
        agreeing.revoke(paths, vault, _names(chosen))
        console.print(f"Off: {', '.join(_names(chosen))}.")
        stored = [signal for signal in chosen if signal.retention_days]
        _offer_to_forget(paths, vault, stored, forget)


def receipts(
    context: typer.Context,
    json: AsJson = False,
) -> None:
    """List every decision with its signed receipt, oldest first.

    A receipt names the digest of what was shown. As JSON it holds all that is needed to verify
    the signature without Deskbound.

    Example: deskbound consent receipts --json
    """
    with open_vault(context) as vault:
        found = decisions.receipts(vault)
        key = vault.signing_key().public_key()
    device = dsse.fingerprint(key)
    if json:
        public = key.public_bytes_raw().hex()
        print_json([_receipt(one) | {"device": device, "public_key": public} for one in found])
        return
    for one in found:
        _print_receipt(one)
    console.print(f"Signed by this device, {device[:16]}." if found else "You have agreed to none.")


def _offer_to_forget(
    paths: HomePaths,
    vault: Vault,
    signals: list[Signal],
    forget: bool | None,  # noqa: FBT001 - None is the third answer
) -> None:
    names = ", ".join(signal.name for signal in signals)
    if forget is None and signals and somebody_is_there():
        forget = typer.confirm(f"Forget what was stored because of {names}?")
    if not forget:
        console.print("What was stored stays until you say `deskbound forget` or its day retires.")
        return
    for signal in signals:
        gone = forgetting.forget_stream(paths, vault, signal.name).gone
        rows = counted(gone.counts.actions + gone.counts.blanked, "action")
        pictures = counted(gone.counts.thumbs, "picture")
        console.print(f"Forgotten of {signal.name}: {rows}, {pictures}.")
        for day in gone.damaged:
            console.print(
                f"{day} is damaged and could not be searched: `deskbound forget --day {day}`.",
                style="bold red",
            )


def _names(signals: Iterable[Signal]) -> list[str]:
    return [signal.name for signal in signals]


def _explain(signal: Signal, *, on: bool | None = None) -> None:
    state = "" if on is None else "[bold green]on [/] " if on else "[dim]off[/] "
    days = f" Kept {signal.retention_days} days." if signal.retention_days else ""
    console.print(f"{state}[bold]{signal.name}[/]: {signal.title}. {signal.purpose}")
    print_below(f"Kept: {'; '.join(signal.kept)}.{days}")
    print_below(f"[dim]Never kept: {'; '.join(signal.never_kept)}.[/]")


def _print_receipt(receipt: decisions.Receipt) -> None:
    said = "[green]agreed to[/]" if receipt.granted else "[dim]took back[/]"
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(receipt.at))
    shown = f"shown {receipt.digest[:16]}" if receipt.digest else "of before digests: not in force"
    line = f"{at} {said} {receipt.subject}, version {receipt.version}, {shown}"
    console.print(line if receipt.signature else f"{line} [bold red](bad signature: not valid)[/]")


def _receipt(receipt: decisions.Receipt) -> dict[str, Any]:
    return {
        "subject": receipt.subject,
        "version": receipt.version,
        "granted": receipt.granted,
        "at": receipt.at,
        "digest": receipt.digest,
        "floor": receipt.floor or None,
        "signature": receipt.signature.hex(),
        "signed": receipt.signed_bytes().decode("ascii"),
        "valid": bool(receipt.signature),
    }


def _explain_all(chosen: Iterable[Signal]) -> None:
    for signal in chosen:
        _explain(signal)


def _explain_floor(paths: HomePaths, vault: Vault, chosen: Iterable[Signal]) -> None:
    """Show the floor that a consent to updates belongs to."""
    if UPDATES_NAME in _names(chosen):
        console.print(describe(floor_in_force(paths, vault)))
        console.print("All its bounds: [bold]deskbound policy show[/].")


def _as_dict(offer: Offer) -> dict[str, Any]:
    signal = offer.signal
    return {
        "on": offer.on,
        "changed": offer.changed,
        "version": signal.version,
        "digest": decisions.digest_of(signal),
        "purpose": signal.purpose,
        "kept": list(signal.kept),
        "never_kept": list(signal.never_kept),
        "retention_days": signal.retention_days,
    }
