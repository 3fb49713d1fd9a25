import re
from dataclasses import replace
from pathlib import Path

import pytest

from deskbound_audit.statement import render as renderer
from deskbound_audit.statement.facts import Given, facts
from deskbound_audit.statement.render import TO_FILL_IN, epsilon, render
from deskbound_strategies.floor import PROFILES
from tools.example_statement import render_statement

BALANCED = PROFILES["balanced"]
TEXTS = sorted((Path(renderer.__file__).parent / "texts").glob("*.j2"))
NAMES = re.compile(r"SP 800-226|Art\. (?:9|30|32|35)\b|`screen`|float64")
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_no_number_is_typed_into_a_text(text):
    """Numbers come from facts; in the texts themselves only laws and standards have digits."""
    typed = NAMES.sub("", CODE.sub("", text.read_text("utf-8")))
    assert re.findall(r"\d+", typed) == []


@pytest.mark.parametrize(
    ("bound", "value", "shown"),
    [
        ("epsilon_day", 3.375, "3.375"), ("delta_day", 3e-7, "3e-07"),
        ("sigma_min", 1.625, "1.625"),
        ("clip_max", 0.8125, "0.8125"), ("sampling_max", 0.1875, "0.1875"),
        ("steps_max", 7791, " 7791 "),
        ("minimum_cohort", 4143, " 4143 "), ("rounds_per_day_max", 1357, " 1357 "),
        ("unit_seconds_min", 733, "733"), ("unit_actions_min", 271, "271"),
        ("max_message_bytes", 7_654_321, "7654321"), ("epsilon_total", 88.5, "88.5"),
    ],
)  # fmt: skip
def test_every_bound_of_a_floor_is_in_the_statement(bound, value, shown):
    text = render(facts(Given(replace(BALANCED, **{bound: value}, profile="custom"))))
    assert shown in text
    assert shown not in render(facts(Given(BALANCED)))


def test_every_paper_is_there_and_says_what_is_not_covered():
    text = render(facts(Given(BALANCED, retention_days=5)))
    for heading in ("NIST SP 800-226", "GDPR Art. 35", "GDPR Art. 30", "LINDDUN"):
        assert re.search(f"^## .*{re.escape(heading)}", text, re.MULTILINE)
    for word in ("Adjacency", "Sampling", "Trust model", "Side channels", "Choosing settings",
                 "Not covered", "Randomness"):  # fmt: skip
        assert word in text
    assert "the 5 days that a laptop holds" in text


def test_what_only_the_controller_knows_is_asked_for_and_put_in():
    assert render(facts(Given(BALANCED))).count(TO_FILL_IN) == 4
    said = {"controller": "Example | Ltd", "data_protection_officer": "dpo@example.org"}
    text = render(facts(Given(BALANCED, about=said)))
    assert text.count(TO_FILL_IN) == 2
    assert "| Example \\| Ltd |" in text


def test_a_bound_does_not_shrink_in_print():
    assert [epsilon(value) for value in (3.1201, 3.12, 0.001, None)] == [
        "3.13", "3.12", "0.01", "no bound",
    ]  # fmt: skip


def test_the_example_is_the_demos_and_changes_with_its_floor(monkeypatch):
    before = render_statement()
    assert PROFILES["research"].digest() in before
    other = replace(PROFILES["research"], epsilon_day=9.5)
    monkeypatch.setitem(PROFILES, "research", other)
    after = render_statement()
    assert other.digest() in after
    assert "epsilon 9.5 at delta 1e-05" in after
