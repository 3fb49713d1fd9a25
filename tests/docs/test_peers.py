"""Every row of the peers' table that claims something names a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
FILE = re.compile(r"`((?:tests|benchmarks)/[a-z0-9_/]+\.py)`")
BEFORE_GOALS = PAGE.split("## Goals beyond them")[0]
ROWS = [line for line in BEFORE_GOALS.splitlines() if re.match(r"\|(?!---)(?! Fe| Failure)", line)]


def functions(path: Path) -> set[str]:
    """Return the names of a module's tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40] or "more")
def test_a_row_names_a_test_or_says_not_yet(row):
    last = row.rstrip(" |").rsplit("|", 1)[1].strip()
    assert last == "not yet" or TEST.fullmatch(last), last


@pytest.mark.parametrize(("file", "name"), sorted(set(TEST.findall(PAGE))))
def test_a_named_test_exists(file, name):
    assert name in functions(ROOT / file)


@pytest.mark.parametrize("file", sorted(set(FILE.findall(PAGE))))
def test_a_named_file_exists(file):
    assert (ROOT / file).is_file()


def test_the_failures_that_matter_most_are_all_attempted():
    attempted = PAGE.split("## Peers' known failures, attempted here")[1]
    for failure in (
        "Plaintext at rest",
        "Private windows recorded",
        "A pause that resumes itself",
        "Delete that does not delete",
        "Health that lies",
        "Second monitor lost",
        "Titles in plain text",
        "Key in the source",
        "DNS rebinding",
        "Growth without retention",
    ):
        assert f"| {failure}" in attempted
