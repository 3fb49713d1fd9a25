"""Pages generated from code are the committed ones; every command is on its page."""

import pytest

from tools.generate_docs import PROGRAMS, _commands, pages, render_commands


@pytest.mark.parametrize("path", sorted(pages()), ids=lambda path: path.name)
def test_page_is_up_to_date(path):
    assert path.read_text(encoding="utf-8") == pages()[path], "run `make docs` and commit"


def test_every_command_has_help_with_an_example():
    import typer

    for program, (_, app) in PROGRAMS.items():
        for name, command in _commands(typer.main.get_command(app), program):
            assert "Example" in (command.help or ""), f"{name} --help shows no example"
            assert f"### {name}" in render_commands()
