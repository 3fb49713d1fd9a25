import json

import pytest

from deskbound_server.cli import app
from deskbound_strategies.shell import exit_code_of


@pytest.fixture
def say(tmp_path):
    """The command, where there is no server."""
    return lambda *words: exit_code_of(app, ["--home", str(tmp_path / "none"), "plan", *words])


def test_one_number_is_enough_and_the_answer_fits_a_terminal(say, capsys):
    assert say("--laptops", "120") == 0
    shown = capsys.readouterr().out
    table, _, words = shown.partition("\n! ")
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "epsilon  sigma" in table
    assert "not worth it" in words
    assert "Measured: 119 developers" in words


def test_a_program_gets_all_of_it(say, capsys):
    assert say("--laptops", "120", "--epsilon", "4", "--epsilon", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    four, two = told["options"]
    assert (four["epsilon"], two["epsilon"]) == (4.0, 2.0)
    assert four["sigma"] < two["sigma"]
    assert four["rounds_affordable"]["balanced"] == 1
    assert four["expected"]["shared"]["mid"] > two["expected"]["shared"]["mid"]
    assert four["plan"]["noise_multiplier"] == four["sigma"]
    assert told["warnings"][0]["mends"]


def test_a_plan_is_written_that_a_dry_run_takes(say, capsys, tmp_path):
    path = tmp_path / "plan.toml"
    assert say("--laptops", "120", "--epsilon", "2", "--write", str(path), "--json") == 0
    (planned,) = json.loads(capsys.readouterr().out)["options"]
    dry = ["--home", str(tmp_path / "none"), "run", str(path), "--dry-run", "--json"]
    assert exit_code_of(app, dry) == 0
    verdicts = {one["profile"]: one for one in json.loads(capsys.readouterr().out)["profiles"]}
    own = verdicts["balanced"]
    assert own["broken"] == []
    assert own["epsilon_run"] == planned["epsilon_run"]
    assert own["epsilon_charged"] == pytest.approx(planned["epsilon_charged"], rel=1e-9)
    assert path.read_text().startswith("# For 120 laptops of profile balanced, 70% of which answer")


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("--laptops", "0"), 10, "--laptops is out of range"),
        (("--laptops", "9", "--profile", "none"), 10, "no profile 'none'"),
        (("--laptops", "9", "--task", "none"), 10, "'none' is not installed"),
        (("--laptops", "9", "--epsilon", "0.1"), 10, "vouches for nothing below"),
        (("--laptops", "120", "--write", "new.toml"), 10, "A plan has one epsilon"),
        (("--laptops", "120", "--epsilon", "2", "--write", "old.toml"), 10, "is there already"),
        (("--laptops", "120", "--epsilon", "2", "--write", "no/a.toml"), 17, "no folder no"),
        (("--laptops", "120", "--epsilon", "8", "--write", "new.toml"), 10, "would refuse"),
        (("--laptops", "5", "--epsilon", "2", "--write", "new.toml"), 10, "never has the 10"),
        (("--laptops", "120", "--picture", "new.txt"), 10, "no name of a picture"),
        (("--laptops", "120", "--task", "next_action", "--picture", "p.svg"), 10, "not measured"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    say, capsys, tmp_path, monkeypatch, words, code, named
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.toml").write_text("kept")
    assert say(*words) == code
    assert named in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["old.toml"]


def test_a_network_gets_its_noise_and_no_promise(say, capsys):
    assert say("--laptops", "120", "--task", "next_action", "--epsilon", "4") == 0
    shown = capsys.readouterr().out
    assert "not measured" in shown
    assert 'start_from = "counts"' in shown
    assert "20 rounds, 10 steps of q 0.2" in shown


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_picture_shows_fleet_and_yardsticks(say, tmp_path, kind):
    path = tmp_path / f"fleet.{kind}"
    assert say("--laptops", "120", "--epsilon", "4", "--epsilon", "2", "--picture", str(path)) == 0
    data = path.read_bytes()
    if kind == "png":
        assert data.startswith(b"\x89PNG")
        return
    text = data.decode()
    for words in ("your 120", "a laptop alone, 5 days", "epsilon 4", "epsilon 2", "right at the"):
        assert words in text
    assert "<dc:date>" not in text
