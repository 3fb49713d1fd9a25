import json
import subprocess
import sys
from contextlib import closing

import pytest
import typer

from deskbound_audit.witness_remote import Source
from deskbound_server import pki
from deskbound_server.cli import app
from deskbound_server.cli import run as run_command
from deskbound_server.database import Database
from deskbound_server.follow import look
from deskbound_server.gate import LOG_PREFIX
from deskbound_server.home import ServerHome
from deskbound_server.model_store import ModelStore
from deskbound_server.publication import Cause, Check
from deskbound_server.schema import RunState
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.dp_fedavg import Outcome
from deskbound_strategies.log_export import verify_export
from deskbound_strategies.shell import exit_code_of
from tests.helpers.log import REVIEWER_HEX, Pen, a_manifest, witness
from tests.helpers.released import RUN, write_history
from tests.helpers.server import new_plan, write_plan


@pytest.fixture
def home(tmp_path):
    return ServerHome(tmp_path / "home")


@pytest.fixture
def say(home):
    return lambda *words: exit_code_of(app, ["--home", str(home.root), *words])


def commands():
    root = typer.main.get_command(app)
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        yield from [(name, *pair) for pair in inner.items()] if inner else [(name, command)]


@pytest.mark.parametrize("command", list(commands()), ids=lambda c: " ".join(c[:-1]))
def test_every_command_shows_an_example(command):
    assert "Example: deskbound-server " + " ".join(command[:-1]) in (command[-1].help or "")


def test_no_command_waits_for_torch_before_it_knows_what_is_asked():
    code = (
        "import sys, deskbound_server.cli, deskbound_server.server_app; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_init_tells_where_the_bundle_is_and_never_does_it_twice(say, home, capsys):
    assert say("init", "--json") == 0
    assert json.loads(capsys.readouterr().out)["join"] == str(home.join_bundle)
    assert say("init") == 15


@pytest.mark.parametrize(
    "words",
    [("up",), ("down",), ("runs",), ("laptops",), ("model", "list"), ("run", "plan.toml")],
)
def test_without_a_server_every_command_says_so(say, words, capsys):
    assert say(*words) == 17
    assert "deskbound-server init" in capsys.readouterr().err


def test_with_a_server_that_is_down(say, tmp_path, capsys):
    say("init", "--port", "9")
    write_plan(tmp_path / "plan.toml", new_plan())
    assert say("down") == 0
    assert "was not running" in capsys.readouterr().out
    assert say("run", str(tmp_path / "plan.toml")) == 30
    assert "deskbound-server up" in capsys.readouterr().err
    assert say("runs", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [], "a run nobody could take is not written down"


@pytest.mark.parametrize(
    ("words", "following"),
    [
        (("runs",), "run plan.toml"),
        (("model", "list"), "run"),
        (("laptops",), "enroll"),
        (("release", "list"), "release add"),
    ],
)
def test_where_there_is_nothing_yet_the_next_step_is_said(say, words, following, capsys):
    say("init")
    capsys.readouterr()
    assert say(*words) == 0
    assert f"deskbound-server {following}" in capsys.readouterr().out


def test_run_wants_a_plan_or_a_run(say, tmp_path, capsys):
    say("init", "--port", "9")
    assert say("run") == 10
    assert say("run", "x.toml", "--resume", "y") == 10
    assert say("run", str(tmp_path / "none.toml")) == 10
    assert say("run", "--resume", "abc") == 17


@pytest.fixture
def history(say, home):
    """The models of a run of two rounds, as it would have left them."""
    say("init", "--port", "9")
    with closing(Database.open(home.database)) as database:
        return write_history(database, ModelStore(home.models))


def test_runs_and_models_can_be_read_by_a_program(say, history, capsys):
    capsys.readouterr()
    assert say("runs", "c3c3", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["rounds_released"]) == ("finished", 2)
    assert told["rounds"][0]["refused"] == {"sigma-too-low": 1}
    assert say("model", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(row["model"], row["run"], row["round"]) for row in listed] == [
        (model, RUN, number) for number, model in enumerate(history, start=1)
    ]
    assert listed[1]["parent"] == history[0]


def test_runs_and_models_can_be_read_by_a_person(say, history, capsys):
    assert say("runs") == say("runs", "c3") == say("model", "list") == 0
    shown = capsys.readouterr().out
    assert "2 of 2" in shown
    assert history[0][:12] in shown
    assert "refused 1 sigma-too-low" in shown


def test_a_model_held_back_is_shown_with_its_cause_and_figures(say, home, history, capsys):
    with closing(Database.open(home.database)) as database:
        contract = new_plan().contract(
            run=RUN, number=3, vocabulary_hash="a" * 64, model_hash="b" * 64, anchors="c" * 64,
            issued=300,
        )  # fmt: skip
        database.open_round(contract, b"envelope", b"a leaf")
        check = Check(Cause.WORSE, 7.25, 5.5)
        outcome = Outcome(4, 4, {}, {}, 0, None)
        database.close_round(contract.digest(), outcome, 230, check=check)
    capsys.readouterr()
    assert say("runs", "c3c3") == 0
    shown = capsys.readouterr().out
    assert "round 3, try 1: held back, worse: held-out loss 7.250, before 5.500" in shown
    assert say("runs", "c3c3", "--json") == 0
    told = json.loads(capsys.readouterr().out)["rounds"][-1]
    assert (told["state"], told["held_back"], told["model_out"]) == ("held-back", "worse", "")
    assert (told["held_out_loss"], told["held_out_loss_before"]) == (7.25, 5.5)


def test_no_line_of_a_table_is_wider_than_a_terminal(say, history, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    for words in (("runs",), ("runs", "c3"), ("model", "list")):
        assert say(*words) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_model_tells_where_it_comes_from(say, history, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    assert say("model", "show", history[1][:10]) == 0
    shown = capsys.readouterr().out
    for words in (history[1], history[0], "round 2, try 2", "leaf 4", "each session", "3.000 nats"):
        assert words in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80
    assert say("model", "show", "latest", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["parent"], told["log_index"]) == (history[1], history[0], 4)


def test_a_model_is_exported_whole_or_not_at_all(say, history, home, tmp_path, capsys):
    out, stored = tmp_path / "model.bin", ModelStore(home.models).path(history[1])
    assert say("model", "export", "latest", "--to", str(out)) == 0
    assert out.read_bytes() == stored.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600
    stored.write_bytes(b"Weights")
    assert say("model", "export", history[1][:9], "--to", str(tmp_path / "other.bin")) == 13
    assert not (tmp_path / "other.bin").exists()
    assert say("model", "export", "latest", "--to", str(tmp_path / "none" / "model.bin")) == 17


def test_no_file_is_written_over_unless_it_is_said(say, history, home, tmp_path, capsys):
    out = tmp_path / "model.bin"
    out.write_bytes(b"mine")
    words = ("model", "export", history[0][:9], "--to", str(out))
    assert say(*words) == 10
    assert "--force" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
    assert say(*words, "--force") == 0
    assert out.read_bytes() == ModelStore(home.models).load(history[0])
    assert {path.name for path in tmp_path.iterdir()} == {"home", "model.bin"}


def test_a_name_that_no_model_has_names_the_nearest(say, history, capsys):
    wrong = history[0][:6] + ("0" if history[0][6] != "0" else "1") + history[0][7:]
    capsys.readouterr()
    for name in (wrong, wrong[:9], "zz"):
        assert say("model", "show", name) == 17
        said = capsys.readouterr().err
        assert f"The nearest is {history[0][:12]}" in said or name == "zz"
        assert any(model[:12] in said for model in history)


class SuperLinkThatIsUp:
    """Takes every call and does nothing."""

    def __init__(self, home):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def online(self):
        return set()

    def start_run(self, run):
        return 7

    def stop_run(self, flower_run):
        assert flower_run == 7


def test_a_resumed_run_tells_new_rounds_only_and_ctrl_c_how_to_go_on(
    say, home, history, monkeypatch, capsys
):
    with closing(Database.open(home.database)) as database:
        database.set_run(RUN, RunState.STOPPED, "operator")

    def follow(folder, database, run):
        yield look(folder, database, run)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "Control", SuperLinkThatIsUp)
    monkeypatch.setattr(run_command, "follow", follow)
    capsys.readouterr()
    assert say("run", "--resume", RUN[:8]) == 130
    said = capsys.readouterr()
    assert "round 1" not in said.out
    assert f"deskbound-server run --resume {RUN[:8]}" in said.err


def test_a_finished_run_is_not_resumed(say, history):
    assert say("run", "--resume", RUN) == 10


def test_a_plan_a_day_cannot_afford_warns_beside_the_json(say, tmp_path, capsys):
    say("init", "--port", "9")
    capsys.readouterr()
    plan = new_plan(rounds=100, sampling_rate=0.5, noise_multiplier=1.0)
    assert say("run", str(write_plan(tmp_path / "plan.toml", plan)), "--json") == 30
    captured = capsys.readouterr()
    assert "of 100 rounds" in captured.err
    assert captured.out == ""


def test_an_empty_log_can_be_shown_and_taken_out(say, home, tmp_path, capsys):
    say("init", "--port", "9")
    capsys.readouterr()
    assert say("log", "show", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["size"], shown["cosigned_by"], shown["witnesses"]) == (0, [], [])
    assert Trust(pki.log_verifier(home)).open(shown["checkpoint"].encode()).size == 0
    assert say("log", "show") == 0
    assert "no witness was added" in capsys.readouterr().out
    assert say("log", "export", str(tmp_path / "log.jsonl")) == 0
    found = verify_export((tmp_path / "log.jsonl").read_bytes(), Trust(pki.log_verifier(home)))
    assert found.head.size == 0
    assert (tmp_path / "log.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_log_that_was_damaged_is_not_shown_as_whole(say, history, tmp_path, capsys):
    assert say("log", "show") == 50, "the leaf of this history is none"
    assert say("log", "export", str(tmp_path / "log.jsonl")) == 50
    assert not (tmp_path / "log.jsonl").exists()


def test_witnesses_are_added_once_listed_and_told_where_the_log_is(say, home, tmp_path, capsys):
    say("init", "--port", "9")
    capsys.readouterr()
    assert say("witness", "list") == 0
    assert "deskbound-server witness add" in capsys.readouterr().out
    one, two = (str(witness(number)[1]) for number in (1, 2))
    for key in (one, two, one):
        assert say("witness", "add", key) == 0
    capsys.readouterr()
    assert say("witness", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [one, two]
    assert home.witnesses.stat().st_mode & 0o777 == 0o600
    assert say("witness", "bundle", str(tmp_path / "bundle.json"), "--json") == 0
    assert (tmp_path / "bundle.json").stat().st_mode & 0o777 == 0o600
    source = Source.load(tmp_path / "bundle.json")
    assert source.log == pki.log_verifier(home)
    assert source.url.endswith(f":9{LOG_PREFIX}")
    assert source.token == home.witness_token.read_text("ascii")


def test_what_is_no_witness_is_not_added(say, home):
    say("init", "--port", "9")
    for key in ("nobody", str(pki.log_verifier(home)), str(witness(1)[1]) + "x", ""):
        assert say("witness", "add", key) == 10
    assert not home.witnesses.exists()


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "release.json"
    path.write_bytes(a_manifest())
    return path


def test_a_release_is_added_listed_and_withdrawn(say, manifest, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    say("init", "--port", "9")
    capsys.readouterr()
    assert say("release", "add", str(manifest), "--reviewer", REVIEWER_HEX.upper(), "--json") == 0
    name = json.loads(capsys.readouterr().out)["manifest"]
    assert say("release", "list") == 0
    shown = capsys.readouterr().out
    assert name[:12] in shown
    assert "yes" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert say("log", "show", "--json") == 0
    assert json.loads(capsys.readouterr().out)["releases"] == 1
    assert say("release", "withdraw", name[:8]) == 0
    assert say("release", "withdraw", name[:8]) == 17
    capsys.readouterr()
    assert say("release", "list", "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["manifest"], listed["named"]) == (name, False)
    assert listed["reviewer"] == REVIEWER_HEX
    assert say("release", "list") == say("release", "add", str(manifest), "--reviewer",
                                         REVIEWER_HEX) == 0  # fmt: skip
    shown = capsys.readouterr().out
    assert "withdrawn" in shown
    assert "release.json" in shown, "the next step is said"


def test_what_is_no_reviewers_manifest_is_not_added(say, manifest, tmp_path, capsys):
    say("init", "--port", "9")
    other = Pen(2).key.public_key().public_bytes_raw().hex()
    assert say("release", "add", str(manifest), "--reviewer", other) == 50
    assert say("release", "add", str(tmp_path / "none"), "--reviewer", REVIEWER_HEX) == 17
    for key in ("", "ab", "z" * 64):
        assert say("release", "add", str(manifest), "--reviewer", key) == 10
    manifest.write_bytes(b"[" * 2_000_000)
    assert say("release", "add", str(manifest), "--reviewer", REVIEWER_HEX) == 50
    capsys.readouterr()
    assert say("release", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
