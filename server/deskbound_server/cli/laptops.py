"""``deskbound-server laptops``: which laptops may connect."""

import typer

from deskbound_server.cli.common import (
    AsJson,
    console,
    home_of,
    open_database,
    print_json,
    table_of,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(laptops)


def laptops(context: typer.Context, as_json: AsJson = False) -> None:
    """List enrolled laptops by label and fingerprint; nothing is kept of who took part in what.

    Example: deskbound-server laptops
    """
    with open_database(home_of(context)) as database:
        rows = database.laptops()
    if as_json:
        fields = ("node", "fingerprint", "label", "revoked")
        print_json([{name: getattr(row, name) for name in fields} for row in rows])
        return
    if not rows:
        console.print("No laptop is enrolled. Next: [bold]deskbound-server enroll node.pub[/].")
        return
    table = table_of("label", "fingerprint", "node", "may connect")
    for row in rows:
        may = "no, revoked" if row.revoked else "yes"
        table.add_row(row.label, row.fingerprint[:12], row.node, may)
    console.print(table)
