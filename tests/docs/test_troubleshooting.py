"""Every exit code and every refusal code is on the page, and only those."""

import re
from pathlib import Path

from deskbound_strategies import errors, shell
from deskbound_strategies.errors import DeskboundError, RefusalCode

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
USAGE = 2  # click's own


def test_every_exit_code_is_on_the_page():
    ours = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, DeskboundError) and kind != DeskboundError
    }
    told = {int(code) for code in re.findall(r"\| (\d+) \|[^|]*\|$", PAGE, re.MULTILINE)}
    assert told == ours | {shell.EXIT_INTERNAL, shell.EXIT_INTERRUPTED, USAGE}


def test_every_refusal_code_is_on_the_page():
    told = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(code.value for code in RefusalCode)
