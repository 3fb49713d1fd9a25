"""``deskbound-audit statement``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from deskbound_audit.extras import need
from deskbound_strategies.errors import ConfigError, NotFoundError


def statement(
    floor: Annotated[Path, typer.Argument(help="Policy floor of the laptops, floor.toml.")],
    ledger: Annotated[
        list[Path] | None, typer.Option(help="Ledger of a laptop; may be given again.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="Round plan, as the server runs it.")] = None,
    about: Annotated[
        Path | None, typer.Option(help="TOML with what only the controller can say.")
    ] = None,
    attack: Annotated[
        Path | None, typer.Option(help="attack.json, from `deskbound-audit attack --out`.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write, instead of the screen.")] = None,
    retention_days: Annotated[
        int, typer.Option(min=1, max=366, help="Days of data a laptop keeps, from config.toml.")
    ] = 7,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Give the facts as JSON.")] = False,
) -> None:
    """Write the papers of a privacy team from configuration and ledgers.

    A differential privacy statement after NIST SP 800-226, an annex to a data protection impact
    assessment, a record of processing (GDPR Art. 30) and a LINDDUN table, as Markdown. Ledgers are
    verified first.

    Example: deskbound-audit statement floor.toml --ledger ledger.jsonl --plan plan.toml
    """
    need("jinja2")
    from deskbound_audit.statement import inputs  # noqa: PLC0415 - accountants take seconds
    from deskbound_audit.statement.facts import Given, facts  # noqa: PLC0415
    from deskbound_audit.statement.render import render  # noqa: PLC0415
    from deskbound_strategies.floor_file import load_floor  # noqa: PLC0415

    if not floor.exists():
        raise NotFoundError(f"There is no floor {floor.name}.", "Name an existing TOML file.")
    found = facts(
        Given(
            floor=load_floor(floor),
            ledgers=[inputs.read_ledger(path) for path in ledger or ()],
            plan=None if plan is None else inputs.read_plan(plan),
            retention_days=retention_days,
            about=None if about is None else inputs.read_about(about),
            attack=None if attack is None else _attack(attack),
        )
    )
    text = json.dumps(found, indent=2, allow_nan=False) + "\n" if as_json else render(found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _attack(path: Path) -> dict[str, Any]:
    """Read what an attack wrote.

    Raises:
        NotFoundError: when there is no such file.
        ConfigError: when it is not an attack's outcome.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise NotFoundError(
            f"There is no file {path.name}.", "Run the attack with --out."
        ) from None
    except ValueError:
        found = None
    wanted = {"trainer", "claim", "contract", "as_released", "controls", "membership", "inversion"}
    if not isinstance(found, dict) or not wanted <= set(found):
        raise ConfigError(
            f"{path.name} is not what an attack wrote.", "Name the attack.json of --out."
        )
    return found
