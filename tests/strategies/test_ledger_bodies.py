import pytest

from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.ledger_bodies import LedgerKind, check_body
from tests.helpers.agreement import a_body

LATER = {(LedgerKind.RESERVE, "task")}  # older entries lack it
FIELDS = [(kind, name) for kind in LedgerKind for name in a_body(kind)]
PROSE = "The quarterly figures for Ms. Kaya"


@pytest.mark.parametrize("kind", LedgerKind)
def test_the_documented_body_fits(kind):
    check_body(kind, a_body(kind))


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_no_field_may_be_missing_extra_or_another_type(kind, name):
    missing = {other: value for other, value in a_body(kind).items() if other != name}
    if (kind, name) in LATER:
        check_body(kind, missing)
        missing = {}
    for body in (missing, a_body(kind) | {"extra": 1}, [], None):
        with pytest.raises(ValueError, match=kind.value):
            check_body(kind, body)
    for value in ([1], {}, object(), float("nan"), -1, -1.0, b"x"):
        with pytest.raises(ValueError, match=kind.value):
            check_body(kind, a_body(kind) | {name: value})


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_no_field_takes_free_text(kind, name):
    for text in (PROSE, PROSE.encode().hex(), "", "\n"):
        with pytest.raises(ValueError, match=kind.value):
            check_body(kind, a_body(kind) | {name: text})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (LedgerKind.RESERVE, "blocks", []),
        (LedgerKind.RESERVE, "blocks", ["02" * 16, "01" * 16]),
        (LedgerKind.RESERVE, "blocks", ["01" * 16, "01" * 16]),
        (LedgerKind.RESERVE, "sampling_rate", 1.5),
        (LedgerKind.RESERVE, "noise_multiplier", 0.0),
        (LedgerKind.RESERVE, "steps", 0),
        (LedgerKind.RESERVE, "steps", 10.0),
        (LedgerKind.RESERVE, "lattice", {"dimension": 1000, "step": 0.1}),
        (LedgerKind.RELEASE, "reserve", 0),
        (LedgerKind.RELEASE, "bytes", True),
        (LedgerKind.CONSENT, "granted", 1),
        (LedgerKind.CONSENT, "subject", "microphone"),
        (LedgerKind.GENESIS, "format", 2),
    ],
)
def test_values_out_of_range_do_not_fit(kind, name, value):
    with pytest.raises(ValueError, match=kind.value):
        check_body(kind, a_body(kind) | {name: value})


def test_a_refusal_may_name_no_contract_and_every_code():
    for code in RefusalCode:
        check_body(LedgerKind.REFUSE, {"contract": None, "code": code.value})
    with pytest.raises(ValueError, match="refuse"):
        check_body(LedgerKind.REFUSE, {"contract": None, "code": "because"})
