"""``deskbound generate``: days of made-up activity for demonstrations and tests."""

from datetime import date, datetime, timedelta
from typing import Annotated

import typer
from rich.progress import track

from deskbound_client import consent
from deskbound_client.capture.signals import signal_named
from deskbound_client.cli.session import console, open_vault, paths_of
from deskbound_client.config import load_config
from deskbound_client.employee.words import counted
from deskbound_client.store.rows import CAPTURED, GENERATED, StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.generator import generate_day
from deskbound_strategies.personas import PERSONAS, Persona
from deskbound_strategies.vocabulary import FAMILY, TOKENS, Action, Family

_STREAM = {
    Family.KEY: "keys",
    Family.CELL: "pointer",
    Family.NONE: "pointer",
    Family.APP: "windows",
}
_BATCH = 500


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(generate)


def generate(
    context: typer.Context,
    persona: Annotated[str, typer.Option(help="Whose days to make up; see docs/learning.md.")],
    days: Annotated[int, typer.Option(min=1, max=30, help="How many days, ending yesterday.")] = 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same days.")] = 1,
) -> None:
    """Fill a vault with generated activity, for demonstrations and tests.

    Every row is marked as generated. A day that holds activity already is refused: made-up activity
    must not mix with a person's, nor be there twice.

    Example: deskbound generate --persona analyst --days 6
    """
    found = _persona(persona)
    today = datetime.now().astimezone().date()
    dates = [today - timedelta(days=back) for back in range(days, 0, -1)]
    with open_vault(context) as vault:
        _check_room(days, load_config(paths_of(context).config).retention_days)
        _refuse_taken(vault, dates)
        total = sum(
            fill_day(vault, found, day, seed)
            for day in track(
                dates,
                f"Generating {found.name}",
                console=console,
                transient=True,
                disable=not console.is_terminal,
            )
        )
        unlearned = sorted(set(_STREAM.values()) - set(consent.granted(vault)))
    console.print(f"{counted(total, 'generated action')} on {counted(days, 'day')} ({found.name}).")
    if unlearned:
        console.print(
            "Rounds learn only from streams that are agreed to. Next: "
            f"[bold]deskbound consent grant {' '.join(unlearned)}[/]."
        )


def fill_day(vault: Vault, persona: Persona, day: date, seed: int) -> int:
    """Store one generated day through the same encoder as captured input; return its rows."""
    encoder = Encoder(rhythm=True)
    rows: list[StoredAction] = []
    at = 0
    for observation, at in generate_day(persona, day, seed):
        rows += [_row(action) for action in encoder.feed(observation, at)]
    rows += [_row(action) for action in encoder.flush(at)]
    for start in range(0, len(rows), _BATCH):
        vault.append(rows[start : start + _BATCH])
    return len(rows)


def _row(action: Action) -> StoredAction:
    stream = signal_named(_STREAM[FAMILY[TOKENS[action.token].kind]]).bit
    return StoredAction(
        action.token, action.app, action.gap, action.at, stream=stream, source=GENERATED
    )


def _persona(name: str) -> Persona:
    if name not in PERSONAS:
        raise ConfigError(f"There is no persona {name}.", f"Choose from {', '.join(PERSONAS)}.")
    return PERSONAS[name]


def _check_room(days: int, retention: int) -> None:
    if days >= retention:
        raise ConfigError(
            f"{days} days are more than this vault keeps besides today ({retention - 1}).",
            "Ask for fewer, or raise retention_days in config.toml.",
        )


def _refuse_taken(vault: Vault, dates: list[date]) -> None:
    """Refuse days that hold activity or were forgotten, before anything is stored."""
    for day in sorted(set(dates) & set(vault.days())):
        if any(action.source == CAPTURED for action in vault.day(day).actions()):
            raise ConfigError(
                f"{day.isoformat()} holds captured activity.", "Generate into a vault of its own."
            )
        if vault.day(day).counts().actions:
            raise ConfigError(
                f"{day.isoformat()} holds generated activity already.",
                "Ask for fewer days, or generate into a vault of its own.",
            )
    for day in dates:
        vault.day(day, create=True)  # a forgotten day takes nothing; its rows would go elsewhere
