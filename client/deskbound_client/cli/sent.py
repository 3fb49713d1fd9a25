"""``deskbound sent``: every upload that ever left this laptop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, console, open_vault, paths_of, print_json
from deskbound_client.employee.sent import (
    Declined,
    Received,
    Sent,
    Upload,
    bytes_of,
    reasons,
    received,
)
from deskbound_client.employee.sent import sent as everything_sent
from deskbound_client.employee.words import counted, hour, size
from deskbound_client.store.files import replace_private
from deskbound_strategies.refusal_words import REFUSED


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sent)


def sent(
    context: typer.Context,
    exact: Annotated[
        str | None,
        typer.Option("--bytes", help="Write the very bytes of the upload with this SHA-256."),
    ] = None,
    to: Annotated[Path, typer.Option(help="File for --bytes.")] = Path("upload.bin"),
    json: AsJson = False,
) -> None:
    """Show every upload that ever left this laptop, and every round it refused.

    An upload is numbers and noise: a change to a model, counts of which action comes after which,
    or of how often a model was right. Its hash lets you compare it with what the server says it
    received; --bytes gives you the bytes themselves, of the latest ones.

    Example: deskbound sent --bytes 3fa1 --to upload.bin
    """
    if exact is not None:
        _write_bytes(context, exact, to, json=json)
        return
    with open_vault(context) as vault:
        found = everything_sent(vault)
    model = received(paths_of(context))
    print_json(_as_dict(found, model)) if json else _print(found, model)


def _write_bytes(context: typer.Context, sha256: str, to: Path, *, json: bool) -> None:
    with open_vault(context) as vault:
        upload, content = bytes_of(vault, sha256)
    replace_private(to, content)
    if json:
        print_json({"file": str(to), "sha256": upload.sha256, "bytes": len(content)})
        return
    console.print(f"Wrote {counted(len(content), 'byte')} to {to}, as they left this laptop.")
    console.print(f"SHA-256 {upload.sha256}: the one in the ledger, entry {upload.seq}.")


def _as_dict(found: Sent, model: Received | None) -> dict[str, Any]:
    return {
        "uploads": len(found.uploads),
        "bytes": found.bytes,
        "items": [_upload(upload) for upload in found.uploads],
        "unsent": [
            {
                "hour": one.at,
                "run": one.run,
                "round": one.round,
                "task": one.task,
                "epsilon": one.epsilon,
            }
            for one in found.unsent
        ],
        "refused": [_refused(one) for one in found.declined],
        "fleets": [
            {"hour": one.at, "joined": one.joined, "server_key": one.server_key}
            for one in found.memberships
        ],
        "stops": [{"hour": one.at, "reason": one.reason.value} for one in found.stops],
        "received": None
        if model is None
        else {"run": model.run, "round": model.round, "bytes": model.bytes, "sha256": model.sha256},
    }


def _upload(upload: Upload) -> dict[str, Any]:
    return {
        "hour": upload.at,
        "run": upload.run,
        "round": upload.round,
        "task": upload.task,
        "bytes": upload.bytes,
        "sha256": upload.sha256,
        "days": upload.days,
        "unit": upload.unit,
        "numbers": upload.numbers,
        "epsilon": upload.epsilon,
        "delta": upload.delta,
        "words": upload.words,
    }


def _refused(one: Declined) -> dict[str, Any]:
    return {"hour": one.at, "contract": one.contract, "code": one.code.value, "words": one.words}


def _print(found: Sent, model: Received | None) -> None:
    if found.uploads:
        _print_uploads(found)
    else:
        console.print("Nothing has ever left this laptop.")
    if found.unsent:
        paid = counted(len(found.unsent), "round")
        console.print(f"\n{paid} paid for of which nothing left; what was paid stays paid.")
    if model is not None:
        console.print(
            f"\nReceived last: the shared model of round {model.round} of run {model.run[:8]}, "
            f"{size(model.bytes)}."
        )
    for stop in found.stops:
        console.print(f"\n{hour(stop.at)}: {stop.words}", markup=False)
    if found.declined:
        console.print("\nTurned down, at no cost:")
    for code, count in reasons(found.declined):
        console.print(f"  {count:>5,}  {REFUSED[code]} [dim]{code.value}[/]")


def uploads_table(uploads: Sequence[Upload]) -> Table:
    """Return a line for each upload; the longest has 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("hour", "run", "round", "for", "size", "SHA-256", "days", "ε"):
        table.add_column(name, no_wrap=name != "for")
    for upload in uploads:
        table.add_row(
            hour(upload.at),
            upload.run[:8],
            str(upload.round),
            upload.purpose,
            size(upload.bytes),
            upload.sha256[:16],
            str(upload.days),
            f"{upload.epsilon:.2f}",
        )
    return table


def _print_uploads(found: Sent) -> None:
    console.print(uploads_table(found.uploads))
    console.print(f"{counted(len(found.uploads), 'upload')}, {size(found.bytes)} in all. The last:")
    console.print(found.uploads[-1].words)
    console.print("[dim]ε is what one round costs any one unit of work, alone.[/]")
