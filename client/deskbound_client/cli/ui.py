"""``deskbound ui``: the pages, on this laptop, for as long as they are looked at."""

import re
import webbrowser
from typing import Annotated

import typer

from deskbound_client.cli.session import console, open_vault, passphrase_given, paths_of
from deskbound_client.employee.words import counted
from deskbound_client.federation.guard import forbid_network
from deskbound_strategies.errors import ConfigError

_LENGTH = re.compile(r"(\d{1,3})\s*m?")
_LONGEST_MINUTES = 60


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ui)


def ui(
    context: typer.Context,
    browser: Annotated[
        bool, typer.Option(help="Open the browser; --no-browser only says how.")
    ] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any.")] = 0,
    idle: Annotated[str, typer.Option(help="Lock when nobody asks for anything: 1m to 60m.")] = (
        "5m"
    ),
) -> None:
    """Show the pages: what is kept, what left, what it cost, and all the buttons.

    They are served to you alone, on this laptop, until you lock them, press Ctrl-C, or leave them
    alone. The passphrase is asked for here, never in the browser.

    Example: deskbound ui
    """
    minutes = parse_idle(idle)
    # Late: the other commands need no web server.
    from deskbound_client.ui.desk import Desk  # noqa: PLC0415
    from deskbound_client.ui.serve import letter_of, serve  # noqa: PLC0415
    from deskbound_strategies.pages.serving import authority_of, listening  # noqa: PLC0415

    paths, passphrase = paths_of(context), passphrase_given(context)
    with open_vault(context, passphrase) as vault, listening(port) as listener:
        forbid_network()
        desk = Desk(
            paths, vault, authority_of(listener), passphrase=passphrase, idle_seconds=minutes * 60
        )
        letter = letter_of(desk)
        opened = browser and webbrowser.open(letter.path.as_uri())
        console.print(f"The pages are at [bold]http://{desk.authority}[/]; they open once with")
        console.print(f"the code [bold]{desk.keys.code}[/]")
        if not opened:
            console.print(f"or with the file {letter.path} (for a minute).", markup=False)
        console.print(
            f"Locks after {counted(minutes, 'minute')} of leaving it alone. Ctrl-C ends it."
        )
        serve(desk, listener, letter)
    console.print("Locked; the vault is closed.")


def parse_idle(text: str) -> int:
    """Return the minutes of ``5m``.

    Raises:
        ConfigError: it is no such length, or longer than an hour.
    """
    match = _LENGTH.fullmatch(text.strip().lower())
    if match is None or not 1 <= int(match[1]) <= _LONGEST_MINUTES:
        raise ConfigError("The pages lock after 1 to 60 minutes.", "Say --idle 5m.")
    return int(match[1])
