from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.contract import (
    AGGREGATIONS,
    MOST_RELEASES,
    RoundContract,
    join_releases,
)
from deskbound_strategies.errors import Refusal, RefusalCode
from tests.helpers.agreement import a_contract

NAMES = [field.name for field in fields(RoundContract)]
WRITTEN = asdict(a_contract(told_mean=2.5))  # every field there is


def refused(data: bytes) -> bool:
    with pytest.raises(Refusal) as caught:
        RoundContract.from_bytes(data)
    return caught.value.code is RefusalCode.CONTRACT_MALFORMED


def test_a_contract_reads_back_and_keeps_its_name():
    contract = a_contract()
    again = RoundContract.from_bytes(contract.to_bytes())
    assert again == contract
    assert again.digest() == contract.digest()
    assert a_contract(steps=11).digest() != contract.digest()


def test_a_contract_names_releases_in_one_spelling():
    assert a_contract().named_releases == ()
    assert join_releases([]) == ""
    names = [f"{number:064x}" for number in range(MOST_RELEASES)]
    contract = a_contract(releases=join_releases([*reversed(names), names[0]]))
    assert RoundContract.from_bytes(contract.to_bytes()).named_releases == tuple(names)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_way_to_combine_replies_reads_back(aggregation):
    contract = a_contract(aggregation=aggregation)
    assert RoundContract.from_bytes(contract.to_bytes()) == contract


@pytest.mark.parametrize("mean", [0.0, 5e-324, 424.5, 1e9])
def test_what_laptops_told_on_average_reads_back(mean):
    contract = a_contract(told_mean=mean)
    assert RoundContract.from_bytes(contract.to_bytes()) == contract


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_field_is_refused(name):
    raw = {other: value for other, value in WRITTEN.items() if other != name}
    if name == "told_mean":  # all laptops alike
        assert RoundContract.from_bytes(canonical_bytes(raw)) == a_contract()
        return
    assert refused(canonical_bytes(raw))


def test_what_weighs_nobody_reads_as_it_did_before_there_were_weights():
    assert b"told_mean" not in a_contract().to_bytes()
    assert RoundContract.from_bytes(canonical_bytes(WRITTEN)) == a_contract(told_mean=2.5)
    assert refused(canonical_bytes(WRITTEN | {"told_mean": 0.0})), "one value, one spelling"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"releases"}))
def test_nothing_but_the_list_of_releases_may_be_empty(name):
    assert refused(canonical_bytes(WRITTEN | {name: ""}))


def test_an_extra_field_is_refused():
    assert refused(canonical_bytes(WRITTEN | {"extra": 1}))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, True, [], {}, "ü", "a b", -1, 0, 0.0, -1.0, 2**53])
def test_a_value_of_another_type_or_range_is_refused(name, value):
    assert refused(canonical_bytes(WRITTEN | {name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sampling_rate", 1.0000001),
        ("sampling_rate", 1),
        ("noise_multiplier", 1e10),
        ("run", "AB" * 16),
        ("run", "ab" * 15),
        ("model_hash", "zz" * 32),
        ("unit", "action"),
        ("aggregation", "secagg"),
        ("aggregation", "mean"),
        ("aggregation", "trimmed-mean"),
        ("aggregation", "trimmed-mean-5"),
        ("aggregation", "trimmed-mean-00"),
        ("aggregation", "trimmed-mean-50"),
        ("aggregation", "trimmed-mean-010"),
        ("local_optimizer", "lbfgs"),
        ("client_version_min", "0.1"),
        ("client_version_min", "\u0660.\u0661.\u0660"),
        ("task", "../task"),
        ("task", "t" * 65),
        ("version", 1),
        ("version", 2),
        ("version", 4),
        ("told_mean", -1e-9),
        ("told_mean", 1e10),
        ("told_mean", 0),
        ("releases", ","),
        ("releases", "AB" * 32),
        ("releases", "ab" * 31),
        ("releases", "ab" * 32 + ","),
        ("releases", "," + "ab" * 32),
        ("releases", "ab" * 32 + " "),
        ("releases", "ab" * 32 + "\n"),
        ("releases", "ab" * 32 + "," + "ab" * 32),
        ("releases", "ab" * 32 + "," + "aa" * 32),
        ("releases", ",".join(f"{number:064x}" for number in range(MOST_RELEASES + 1))),
        ("releases", ["ab" * 32]),
        ("anchors", ""),
        ("anchors", "EF" * 32),
    ],
)
def test_what_no_server_of_ours_would_write_is_refused(name, value):
    assert refused(canonical_bytes(WRITTEN | {name: value}))


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b'"a"', b"null", b"{}", b"[" * 9999])
def test_what_is_no_contract_is_refused(data):
    assert refused(data)


@given(st.data())
def test_a_changed_byte_is_refused_or_another_contract(data):
    original = bytearray(a_contract().to_bytes())
    position = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != original[position]))
    original[position] = byte
    try:
        changed = RoundContract.from_bytes(bytes(original))
    except Refusal:
        return
    assert changed.digest() != a_contract().digest()
