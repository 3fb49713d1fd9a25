"""The door of every command: errors become one sentence, a mend and a stable exit code.

Nothing else is printed about a failure: a traceback or an exception's own text could carry what
was captured, so an unexpected error shows only its type and where in our code it happened.
"""

import inspect
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import click
import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperArgument
from typer.utils import get_params_from_function

from deskbound_strategies import __version__
from deskbound_strategies.errors import DeskboundError

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


ShowVersion = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
]


def new_app(help_text: str) -> typer.Typer:
    """Return a typer application that never prints local variables or completion advice."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )


def command_of(app: typer.Typer) -> click.Command:
    """Return the whole command, with help that a terminal of any width can show."""
    whole = typer.main.get_command(app)
    _make_readable(whole)
    return whole


def run(app: typer.Typer, arguments: list[str] | None = None) -> NoReturn:
    """Run a command line to its end and leave with its exit code."""
    sys.exit(exit_code_of(app, arguments))


def exit_code_of(app: typer.Typer, arguments: list[str] | None = None) -> int:
    """Run a command line, print what a person should read, and return the exit code."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        result = command_of(app).main(args=arguments, standalone_mode=False)
    except DeskboundError as error:
        stderr.print(Text.assemble(("✗ ", "bold red"), error.sentence))
        if error.mend:
            stderr.print(Text(f"  {error.mend}"))
        return error.exit_code
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence
        stderr.print(f"[bold red]✗[/] Something broke inside Deskbound ({_where(error)}).")
        stderr.print("  Nothing was sent. Please report these words; they hold no data of yours.")
        return EXIT_INTERNAL
    return result if isinstance(result, int) else 0


def _make_readable(command: click.Command) -> None:
    """Take the source's line breaks out of the help, and give arguments their help back."""
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    if command.callback is not None:
        declared = get_params_from_function(inspect.unwrap(command.callback))
        for argument in command.params:
            # click 8.5 has a help of its own for arguments and empties the one that typer set.
            if isinstance(argument, TyperArgument) and argument.name in declared:
                argument.help = declared[argument.name].default.help
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _make_readable(each)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = ""
    if trace is not None:
        place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return type(error).__name__ + place
