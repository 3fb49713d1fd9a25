"""The door of every command: one sentence, one mend, one exit code, and never an error's words."""

from typing import Annotated

import pytest
import typer

from deskbound_strategies import __version__, errors, shell

SECRET = "hunter2"


def ended(capsys, error):
    app = shell.new_app("A program.")

    @app.command()
    def act() -> None:
        raise error

    code = shell.exit_code_of(app, [])
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    "sort",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.DeskboundError)
        and kind not in (errors.DeskboundError, errors.Refusal)
    ],
)
def test_each_of_our_errors_is_said_once_and_has_its_code(capsys, sort):
    code, said = ended(capsys, sort("The [thing] broke.", "Mend it."))
    assert (code, said.out) == (sort.exit_code, "")
    assert said.err.splitlines() == ["✗ The [thing] broke.", "  Mend it."]


def test_a_refusal_says_its_code(capsys):
    code, said = ended(capsys, errors.Refusal(errors.RefusalCode.SIGMA_TOO_LOW))
    assert code == 60
    assert "sigma-too-low" in said.err


def test_other_errors_show_their_sort_and_place_but_no_word_of_theirs(capsys):
    code, said = ended(capsys, ValueError(SECRET))
    assert code == shell.EXIT_INTERNAL
    assert "ValueError at test_shell.py:" in said.err
    assert SECRET not in said.err + said.out
    assert "Traceback" not in said.err


def test_an_interrupt_is_no_error(capsys):
    code, said = ended(capsys, KeyboardInterrupt())
    assert (code, said.err) == (shell.EXIT_INTERRUPTED, "")


def test_an_exit_code_of_a_command_is_kept(capsys):
    assert ended(capsys, typer.Exit(3))[0] == 3


def test_exit_codes_are_distinct():
    codes = [
        kind.exit_code for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.DeskboundError)
    ]  # fmt: skip
    assert len(set(codes)) == len(codes)


def test_every_program_can_say_its_version(capsys):
    app = shell.new_app("A program.")

    @app.callback()
    def program(version: shell.ShowVersion = False) -> None:
        """Take options."""

    @app.command()
    def act() -> None:
        """Do nothing."""

    assert shell.exit_code_of(app, ["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    assert shell.exit_code_of(app, ["act"]) == 0
    assert capsys.readouterr().out == ""


def test_help_is_broken_by_the_terminal_alone_and_explains_arguments(capsys, monkeypatch):
    monkeypatch.setenv("TERMINAL_WIDTH", "60")
    app = shell.new_app("A program.")

    @app.command()
    def act(length: Annotated[str, typer.Argument(help="30m or forever.")] = "forever") -> None:
        """Do it.

        A line of the source that ends
        here, for no reason of the terminal's.

        Example: act 30m
        """

    assert shell.exit_code_of(app, ["--help"]) == 0
    said = capsys.readouterr().out
    assert "that ends here, for no" in said
    assert "30m or forever." in said
    assert [line.strip() for line in said.splitlines() if "Example" in line] == ["Example: act 30m"]
