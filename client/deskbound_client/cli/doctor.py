"""``deskbound doctor``: what is wrong here, and what to do about it."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from deskbound_client.cli.session import AsJson, console, open_vault, paths_of, print_json
from deskbound_client.doctor import Finding, Level, examine
from deskbound_client.employee.words import counted
from deskbound_client.federation.guard import forbid_network
from deskbound_strategies.errors import TroubleFoundError

_MARKS = {
    Level.OK: ("✓", "green"),
    Level.NOTE: ("·", "dim"),
    Level.WARN: ("!", "yellow"),
    Level.WRONG: ("✗", "bold red"),
}
_HURTS = frozenset((Level.WARN, Level.WRONG))
_WORST_LAST = tuple(Level)  # beside the prompt, where one looks


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Open the vault too: check every page and signature.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Look for what keeps Deskbound from working or from protecting you, and say the mend.

    Changes nothing and asks no server. Ends with 0 unless something is wrong (18).

    Example: deskbound doctor --deep
    """
    forbid_network()
    paths = paths_of(context)
    if deep:
        with open_vault(context) as vault:
            findings = examine(paths, deep_vault=vault)
    else:
        findings = examine(paths)
    print_json([asdict(finding) for finding in findings]) if json else _print(findings)
    wrong = sum(finding.level is Level.WRONG for finding in findings)
    if wrong:
        raise TroubleFoundError(
            f"{counted(wrong, 'thing')} {'is' if wrong == 1 else 'are'} wrong.",
            "Do what stands beside ✗ above, then run `deskbound doctor` again.",
        )


def _print(findings: tuple[Finding, ...]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(width=1)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for finding in sorted(findings, key=lambda one: _WORST_LAST.index(one.level)):
        mark, style = _MARKS[finding.level]
        said = Text(finding.sentence)
        if finding.mend:
            said.append(f"\n→ {finding.mend}", style="cyan" if finding.level in _HURTS else "dim")
        table.add_row(Text(mark, style=style), finding.name, said)
    console.print(table)
    count = Counter(finding.level for finding in findings)
    console.print(
        f"{count[Level.OK]} well, {counted(count[Level.NOTE], 'note')}, "
        f"{counted(count[Level.WARN], 'warning')}, {count[Level.WRONG]} wrong."
    )
