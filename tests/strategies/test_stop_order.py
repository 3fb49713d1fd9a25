import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.stop_order import (
    MAX_ORDER_BYTES,
    ORDER_TYPE,
    REASON_WORDS,
    StopOrder,
    StopReason,
    open_order,
)
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import a_stop

KEY, FOREIGN = signing_key(1), signing_key(2)


def code_of(envelope: bytes) -> RefusalCode:
    with pytest.raises(Refusal) as caught:
        open_order(envelope, KEY.public_key())
    return caught.value.code


@given(
    st.builds(
        StopOrder,
        id=st.text("0123456789abcdef", min_size=32, max_size=32),
        issued=st.integers(1, 2**53 - 1),
        reason=st.sampled_from(StopReason),
    )
)
def test_an_order_survives_its_envelope(order):
    assert StopOrder.from_bytes(order.to_bytes()) == order
    assert open_order(order.signed(KEY), KEY.public_key()) == order
    assert len(order.signed(KEY)) < MAX_ORDER_BYTES


def test_every_reason_has_words_and_its_place_in_the_list_stays():
    assert set(REASON_WORDS) == set(StopReason)
    # A laptop's control file keeps the place: appended to, never reordered.
    assert [one.value for one in StopReason] == [
        "unspecified", "security", "privacy", "representatives", "legal", "fault", "ended",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "0A" * 16},
        {"id": "0a" * 15},
        {"id": 7},
        {"issued": 0},
        {"issued": 2**53},
        {"issued": 1.5},
        {"issued": True},
        {"reason": "because"},
        {"reason": 1},
        {"version": 2},
        {"version": True},
        {"until": 1_900_000_000},
        {"resume": True},
    ],
)
def test_an_order_has_exact_fields_and_no_way_to_say_more(changes):
    raw = parse_canonical(a_stop().to_bytes()) | changes
    with pytest.raises(ValueError, match=r"stop|StopReason"):
        StopOrder.from_bytes(canonical_bytes(raw))
    assert code_of(dsse.sign(canonical_bytes(raw), ORDER_TYPE, KEY)) is RefusalCode.STOP_MALFORMED


@pytest.mark.parametrize("name", ["id", "issued", "reason", "version"])
def test_nothing_may_be_missing(name):
    raw = parse_canonical(a_stop().to_bytes())
    del raw[name]
    assert code_of(dsse.sign(canonical_bytes(raw), ORDER_TYPE, KEY)) is RefusalCode.STOP_MALFORMED


def test_another_key_cannot_stop_anybody():
    assert code_of(a_stop().signed(FOREIGN)) is RefusalCode.STOP_SIGNATURE


def test_a_signature_for_a_contract_is_none_for_an_order():
    contract = dsse.sign(a_contract().to_bytes(), PAYLOAD_TYPE, KEY)
    assert code_of(contract) is RefusalCode.STOP_MALFORMED
    assert code_of(dsse.sign(a_stop().to_bytes(), PAYLOAD_TYPE, KEY)) is RefusalCode.STOP_MALFORMED


def test_a_signature_for_one_order_is_none_for_another():
    kept = parse_canonical(a_stop().signed(KEY))
    other = parse_canonical(a_stop("0b" * 16).signed(KEY))
    kept["payload"] = other["payload"]
    assert code_of(canonical_bytes(kept)) is RefusalCode.STOP_SIGNATURE


def test_what_is_too_long_is_not_even_parsed():
    assert code_of(b"[" * (MAX_ORDER_BYTES + 1)) is RefusalCode.STOP_MALFORMED
