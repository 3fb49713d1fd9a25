"""``deskbound-audit report``: a fleet, from files to one page."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deskbound_audit import options
from deskbound_audit.extras import need
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError

PAGE, DATA = "report.html", "report.json"


def report(
    files: options.Files,
    floor: Annotated[
        Path | None, typer.Option(help="Policy floor of the laptops, floor.toml.")
    ] = None,
    out: Annotated[Path, typer.Option(help=f"Folder to write {PAGE} and {DATA} into.")] = Path(
        "report"
    ),
    key: options.Key = None,
    keys: options.Keys = None,
    delta: options.Delta = None,
    log_key: options.LogKey = None,
    witness: options.Witness = None,
    quorum: options.Quorum = 0,
    *,
    every_signature: options.EverySignature = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON, too.")] = False,
) -> None:
    """Write what a fleet gave away, and what of it was checked, as one page and as JSON.

    Verifies ledgers and logs first, as `verify` does. Tells how many, never who: budgets by day and
    by person, refusals, participation, proofs. Of several exports of a laptop the newest counts.

    Exit code 0 when all that was checked holds, 50 when something does not; the page says what.

    Example: deskbound-audit report log.jsonl ledgers/*.jsonl --floor floor.toml --out report
    """
    need("jinja2", "matplotlib")
    # Accountants take seconds to load; --help and wrong options should not wait for them.
    from deskbound_audit.fleet import latest  # noqa: PLC0415
    from deskbound_audit.intake import verify_all  # noqa: PLC0415
    from deskbound_audit.report import page  # noqa: PLC0415
    from deskbound_audit.report.facts import Given, facts  # noqa: PLC0415
    from deskbound_strategies.floor_file import load_floor  # noqa: PLC0415

    asked = options.asked(
        key=key,
        keys=keys,
        delta=delta,
        log_key=log_key,
        witness=witness,
        quorum=quorum,
        every_signature=every_signature,
    )
    if floor is not None and not floor.exists():
        raise NotFoundError(f"There is no floor {floor.name}.", "Name an existing TOML file.")
    bounds = None if floor is None else load_floor(floor)
    _writable(out)
    with _progress(len(files)) as advance:
        logs, verdicts = verify_all(files, asked, advance)
    found = facts(Given(latest(verdicts), logs, bounds, asked))
    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    (out / DATA).write_text(text, encoding="utf-8")
    (out / PAGE).write_text(page.as_page(found), encoding="utf-8")
    if as_json:
        typer.echo(text, nl=False)
    else:
        console = Console(highlight=False)
        console.print(page.as_lines(found))
        console.print(f"\nThe report, with pictures: [bold]{out / PAGE}[/]", soft_wrap=True)
    if not found["sound"]:
        raise VerificationError(found["problems"][0], f"All that does not hold is in {PAGE}.")


def _writable(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise ConfigError(
            f"The folder {out.name} cannot be made.", "Name another with --out."
        ) from None


@contextmanager
def _progress(files: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("verifying files"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        line = progress.add_task("", total=files)
        yield lambda done: progress.update(line, completed=done)
