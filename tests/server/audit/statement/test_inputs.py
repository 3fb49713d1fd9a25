import pytest

from deskbound_audit.statement.inputs import read_about, read_ledger, read_plan
from deskbound_strategies.errors import ConfigError, NotFoundError, VerificationError
from deskbound_strategies.ledger import append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import AT, a_body, a_chain, an_export, signing_key

HOUR, DAY = 3600, 86_400
PLAN = """
rounds = 15
unit = "session"
sampling_rate = 0.25
noise_multiplier = 1.5
clip = 1
steps = 4
minimum_cohort = 3
"""


def ledger(tmp_path, *events):
    entries, key = a_chain(), signing_key()
    for kind, changes, later in events:
        body = a_body(kind) | changes
        entries.append(append(entries[-1], kind, body, key, at=AT + later))
    path = tmp_path / "laptop.jsonl"
    path.write_bytes(b"".join(export(entries, key)))
    return read_ledger(path)


def agreed(granted: bool, later: int, subject: str = "updates"):
    return LedgerKind.CONSENT, {"subject": subject, "granted": granted}, later


def test_days_of_consent_are_those_between_agreeing_and_revoking(tmp_path):
    found = ledger(
        tmp_path, agreed(True, 0), agreed(False, 3 * DAY - HOUR), agreed(True, 9 * DAY),
        (LedgerKind.PAUSE, {}, 10 * DAY - HOUR),
    )  # fmt: skip
    assert found.consent_days == 4
    assert ledger(tmp_path, agreed(True, 0, "keys")).consent_days == 0
    assert ledger(tmp_path, agreed(True, 0)).consent_days == 1


def test_the_floor_in_force_is_the_last_one(tmp_path):
    digests = ["34" * 32, "56" * 32]
    events = [(LedgerKind.POLICY, {"floor": digest}, 0) for digest in digests]
    assert ledger(tmp_path, *events).summary.floor == digests[-1]


def test_a_ledger_that_does_not_verify_makes_no_statement(tmp_path):
    path = tmp_path / "laptop.jsonl"
    path.write_bytes(an_export(LedgerKind.RESERVE)[:-2] + b"\n")
    with pytest.raises(VerificationError, match=r"laptop\.jsonl: Line"):
        read_ledger(path)
    with pytest.raises(NotFoundError):
        read_ledger(tmp_path / "gone.jsonl")


def test_a_plan_is_read_as_the_server_writes_it(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    plan = read_plan(path)
    assert (plan.event.sampling_rate, plan.event.noise_multiplier, plan.event.steps) == (
        0.25,
        1.5,
        4,
    )
    assert (plan.clip, plan.minimum_cohort) == (1.0, 3)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("sampling_rate = 1.5", "exceeds 1"), ("steps = 0", "steps"), ("clip = nan", "clip"),
        ("steps = 2.5", "steps"), ('unit = "person"', "unit"), ("rounds = true", "rounds"),
        ("steps = ", "TOML"),
    ],
)  # fmt: skip
def test_a_bad_plan_is_named(tmp_path, line, problem):
    name = line.split(" ")[0]
    path = tmp_path / "plan.toml"
    path.write_text(
        "\n".join(one for one in PLAN.splitlines() if not one.startswith(name)) + "\n" + line
    )
    with pytest.raises(ConfigError, match=problem):
        read_plan(path)


def test_what_the_controller_says_is_a_closed_list_of_texts(tmp_path):
    path = tmp_path / "about.toml"
    path.write_text('controller = "Example Ltd"')
    assert read_about(path) == {"controller": "Example Ltd"}
    for bad in ("controller = 3", 'controler = "x"'):
        path.write_text(bad)
        with pytest.raises(ConfigError, match="about"):
            read_about(path)
