"""``deskbound-audit attack``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deskbound_audit.extras import need
from deskbound_strategies.errors import NotFoundError, VerificationError

PAGE, DATA = "attack.html", "attack.json"


def attack(
    floor: Annotated[
        Path | None,
        typer.Option(help="Policy floor of the laptops, floor.toml; else the balanced profile."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"Folder to write {PAGE} and {DATA} into.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31, help="Of canaries and coins; never of the noise.")
    ] = 0,
    count: Annotated[
        int | None,
        typer.Option("--canaries", min=64, max=8000, help="More canaries show more; slower."),
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer canaries and units: a minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Attack what leaves a laptop, through the laptop's own training code.

    Holds rounds with canaries, guesses who took part, measures the noise, seeks members and reads
    actions out of updates; then the same with five faults planted, which it must find. Needs
    deskbound-client installed beside it. Takes minutes.

    Exit code 0 when nothing exceeds the claim and every planted fault was found, 50 otherwise.

    Example: deskbound-audit attack --floor floor.toml --out audit
    """
    # Torch and the accountants take seconds to load; --help should not wait for them.
    from dataclasses import replace  # noqa: PLC0415

    import torch  # noqa: PLC0415

    from deskbound_audit.attack import page  # noqa: PLC0415
    from deskbound_audit.attack.audit import FULL, QUICK, Audit  # noqa: PLC0415
    from deskbound_audit.attack.trainers import find_trainer  # noqa: PLC0415
    from deskbound_strategies.floor import DEFAULT  # noqa: PLC0415
    from deskbound_strategies.floor_file import load_floor  # noqa: PLC0415

    need("jinja2", "matplotlib")
    if floor is not None and not floor.exists():
        raise NotFoundError(f"There is no floor {floor.name}.", "Name an existing TOML file.")
    size = QUICK if quick else FULL
    size = size if count is None else replace(size, canaries=count)
    torch.set_num_threads(1)  # sums come out the same on every machine
    bounds = DEFAULT if floor is None else load_floor(floor)
    with _progress() as bar:
        audit = Audit(find_trainer(), bounds, size, seed, bar.say)
        bar.begin(audit.steps)
        outcome = audit.run()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / PAGE).write_text(page.as_page(outcome), encoding="utf-8")
        (out / DATA).write_text(json.dumps(page.as_json(outcome), indent=2), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(page.as_json(outcome), indent=2))
    else:
        Console(highlight=False).print(page.as_table(outcome))
    if outcome.honest.faults:
        raise VerificationError(
            "More leaves the laptop than is claimed.", "Let no round run before this is understood."
        )
    if outcome.missed:
        raise VerificationError(
            f"The audit missed a planted fault: {', '.join(outcome.missed)}.",
            "It proves nothing as it is; use more --canaries.",
        )


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._line = progress.add_task("preparing", total=None)

    def begin(self, steps: int) -> None:
        self._progress.update(self._line, total=steps)

    def say(self, words: str, steps: int) -> None:
        if words:
            self._progress.update(self._line, description=words)
        self._progress.advance(self._line, steps)


@contextmanager
def _progress() -> Iterator[_Bar]:
    columns = (SpinnerColumn(), TextColumn("{task.description:<34}"), BarColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        yield _Bar(progress)
