"""``deskbound sent``: every upload that ever left this laptop."""

from typing import Any

import typer
from rich.table import Table

from deskbound_client.cli.session import AsJson, console, ledger_of, open_vault, print_json
from deskbound_client.employee.words import counted, size
from deskbound_client.store.vault import Vault
from deskbound_strategies.ledger_bodies import LedgerKind


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sent)


def sent(
    context: typer.Context,
    json: AsJson = False,
) -> None:
    """Show every upload that ever left this laptop, and every round it refused.

    An upload is the noised change to a model, nothing else. Its hash lets you compare it with
    what the server says it received.

    Example: deskbound sent
    """
    with open_vault(context) as vault:
        uploads, refusals = _uploads(vault), _refusals(vault)
    answer = {
        "uploads": len(uploads),
        "bytes": sum(upload["bytes"] for upload in uploads),
        "items": uploads,
        "refused": refusals,
    }
    print_json(answer) if json else _print(answer)


def _uploads(vault: Vault) -> list[dict[str, Any]]:
    reserved: dict[int, dict[str, Any]] = {}
    uploads = []
    for entry in ledger_of(vault).entries(kinds=[LedgerKind.RESERVE, LedgerKind.RELEASE]):
        if entry.kind is LedgerKind.RESERVE:
            reserved[entry.seq] = entry.body
            continue
        paid = reserved[entry.body["reserve"]]
        uploads.append(
            {
                "run": paid["run"],
                "round": paid["round"],
                "bytes": entry.body["bytes"],
                "sha256": entry.body["update"],
                "days": len(paid["blocks"]),
                "epsilon": paid["epsilon"],
                "delta": paid["delta"],
            }
        )
    return uploads


def _refusals(vault: Vault) -> list[dict[str, Any]]:
    entries = ledger_of(vault).entries(kinds=[LedgerKind.REFUSE])
    return [{"contract": entry.body["contract"], "code": entry.body["code"]} for entry in entries]


def _print(answer: dict[str, Any]) -> None:
    if not answer["items"]:
        console.print("Nothing has ever left this laptop.")
    else:
        table = Table("run", "round", "size", "SHA-256", "days", "ε", box=None, pad_edge=False)
        for item in answer["items"]:
            table.add_row(
                item["run"][:8],
                str(item["round"]),
                size(item["bytes"]),
                item["sha256"][:16],
                str(item["days"]),
                f"{item['epsilon']:.2f}",
            )
        console.print(table)
        console.print(
            f"{counted(answer['uploads'], 'upload')}, {size(answer['bytes'])} in all. Each is a "
            "noised change to the model, made from the days counted; ε is its cost to one session, "
            "alone."
        )
    for refusal in answer["refused"]:
        console.print(f"[dim]refused: {refusal['code']}[/]")
