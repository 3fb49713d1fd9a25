import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import wire
from deskbound_strategies.errors import LOCAL_ONLY, Refusal, RefusalCode

DIGEST = "ab" * 32
ARRAYS = ArrayRecord({"w": Array(np.zeros(2, np.float32))})


def code_of(parse, content, **options) -> RefusalCode:
    with pytest.raises(Refusal) as caught:
        parse(content, **options)
    return caught.value.code


def over_the_wire(content: RecordDict) -> RecordDict:
    """Take content apart and together again as Flower does between processes."""
    children = {
        object_id: type(child).inflate(child.deflate())
        for object_id, child in content.children.items()
    }
    return RecordDict.inflate(content.deflate(), children=children)


def record(**values) -> RecordDict:
    return RecordDict({wire.RECORD: ConfigRecord(values)})


def test_a_request_survives_flower():
    content = over_the_wire(wire.contract_message(b"envelope", b"proof", b"\x00\xff" * 99))
    assert wire.parse_request(content) == wire.Request(b"envelope", b"proof", b"\x00\xff" * 99)


def test_a_reply_survives_flower():
    content = over_the_wire(wire.reply_content(DIGEST, "0.1.0", b"\x80update", b"receipt"))
    assert wire.parse_reply(content) == wire.Reply(DIGEST, "0.1.0", b"\x80update", b"receipt")


@pytest.mark.parametrize("code", sorted(set(RefusalCode) - LOCAL_ONLY))
def test_a_refusal_is_its_code_and_nothing_else(code):
    content = over_the_wire(wire.refusal_content(code))
    assert wire.parse_reply(content) is code
    assert dict(content[wire.RECORD]) == {"refusal": code.value}


@pytest.mark.parametrize("code", sorted(LOCAL_ONLY))
def test_a_code_for_the_ledger_neither_leaves_nor_arrives(code):
    with pytest.raises(ValueError, match="ledger only"):
        wire.refusal_content(code)
    assert code_of(wire.parse_reply, record(refusal=code.value)) is RefusalCode.MESSAGE_MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        RecordDict(),
        RecordDict({"deskbound": MetricRecord({"contract": 1})}),
        RecordDict({"deskbound": ARRAYS}),
        RecordDict({"other": ConfigRecord({"contract": b"a", "weights": b"b"})}),
        RecordDict({**wire.contract_message(b"a", b"p", b"b"), "more": ConfigRecord()}),
        RecordDict({**wire.contract_message(b"a", b"p", b"b"), "arrays": ARRAYS}),
        record(),
        record(contract=b"a"),
        record(contract=b"a", weights="b"),
        record(contract="a", weights=b"b"),
        record(contract=b"a", weights=[b"b"]),
        record(contract=b"a", weights=b"b", epochs=1),
        record(refusal="sigma-too-low"),
    ],
)
def test_any_other_request_is_malformed(content):
    assert code_of(wire.parse_request, content) is RefusalCode.MESSAGE_MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        RecordDict(),
        wire.contract_message(b"a", b"p", b"b"),
        RecordDict({"deskbound": ARRAYS}),
        RecordDict(
            {**wire.reply_content(DIGEST, "0.1.0", b"u", b"r"), "metrics": MetricRecord({"n": 3})}
        ),
        record(contract_digest=DIGEST, client_version="0.1.0"),
        record(contract_digest=DIGEST, client_version="0.1.0", update=b"u", num_examples=3),
        record(contract_digest=DIGEST, client_version="0.1.0", update="u"),
        record(contract_digest="AB" * 32, client_version="0.1.0", update=b"u"),
        record(contract_digest=DIGEST + "\n", client_version="0.1.0", update=b"u"),
        record(contract_digest=DIGEST, client_version="my diary", update=b"u"),
        record(contract_digest=DIGEST, client_version="\u0660.\u0661.\u0660", update=b"u"),
        record(refusal="ValueError: the password was hunter2"),
        record(refusal=1),
        record(refusal="internal", reason="x"),
    ],
)
def test_any_other_reply_is_malformed(content):
    assert code_of(wire.parse_reply, content) is RefusalCode.MESSAGE_MALFORMED


def test_sizes_are_bounded():
    too_long = wire.contract_message(bytes(wire.MAX_CONTRACT_BYTES + 1), b"p", b"w")
    assert code_of(wire.parse_request, too_long) is RefusalCode.MESSAGE_TOO_LARGE
    weights = wire.contract_message(b"c", b"p", bytes(101))
    assert wire.parse_request(weights, max_weights_bytes=101).weights == bytes(101)
    code = code_of(wire.parse_request, weights, max_weights_bytes=100)
    assert code is RefusalCode.MESSAGE_TOO_LARGE
    update = wire.reply_content(DIGEST, "0.1.0", bytes(101), b"r")
    code = code_of(wire.parse_reply, update, max_update_bytes=100)
    assert code is RefusalCode.MESSAGE_TOO_LARGE


SCALARS = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.text() | st.binary()
NAMES = st.sampled_from(
    ["contract", "weights", "contract_digest", "client_version", "update", "refusal"]
) | st.text(max_size=4)


@given(st.dictionaries(NAMES, SCALARS | st.lists(st.binary(), max_size=2), max_size=4))
def test_no_record_does_more_than_be_refused(values):
    content = record(**values)
    for parse in (wire.parse_request, wire.parse_reply):
        try:
            parsed = parse(content)
        except Refusal:
            continue
        assert isinstance(parsed, wire.Request | wire.Reply | RefusalCode)


def test_a_stop_survives_flower():
    content = over_the_wire(wire.stop_message(b"order", b"proof"))
    assert wire.is_stop(content)
    assert wire.parse_stop(content) == wire.StopRequest(b"order", b"proof")


def test_the_answer_to_a_stop_is_which_order_or_a_code():
    assert wire.parse_stopped(over_the_wire(wire.stopped_content(DIGEST))) == DIGEST
    refused = wire.refusal_content(RefusalCode.STOP_SIGNATURE)
    assert wire.parse_stopped(refused) is RefusalCode.STOP_SIGNATURE


@pytest.mark.parametrize(
    "content",
    [
        record(stopped="AB" * 32),
        record(stopped=b"ab"),
        record(stopped=DIGEST, count=1),
        record(refusal="contract-replayed"),
        wire.reply_content(DIGEST, "0.1.0", b"u", b"r"),
        RecordDict({}),
    ],
)
def test_any_other_answer_to_a_stop_is_malformed(content):
    assert code_of(wire.parse_stopped, content) is RefusalCode.MESSAGE_MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        record(stop="text", proof=b"p"),
        record(stop=b"order"),
        record(stop=b"order", proof=b"p", until=1),
        RecordDict({wire.RECORD: ConfigRecord({"stop": b"o", "proof": b"p"}), "more": ARRAYS}),
    ],
)
def test_any_other_stop_is_malformed(content):
    assert code_of(wire.parse_stop, content) is RefusalCode.MESSAGE_MALFORMED


def test_a_stop_has_bounded_sizes():
    order = b"x" * (wire.MAX_ORDER_BYTES + 1)
    assert code_of(wire.parse_stop, wire.stop_message(order, b"")) is RefusalCode.MESSAGE_TOO_LARGE
    proof = b"x" * (wire.MAX_PROOF_BYTES + 1)
    assert code_of(wire.parse_stop, wire.stop_message(b"", proof)) is RefusalCode.MESSAGE_TOO_LARGE


def test_a_server_can_ask_and_stop_and_say_nothing_else():
    """P2: no message starts or resumes anything. A new kind of message has to get past this."""
    assert set(wire.REQUESTS) == {"contract", "stop"}
    said = {field for fields in wire.REQUESTS.values() for field in fields}
    assert said == {"contract", "proof", "weights", "stop"}
    makers = {"contract": wire.contract_message(b"", b"", b""), "stop": wire.stop_message(b"", b"")}
    for name, content in makers.items():
        assert set(content[wire.RECORD]) == wire.REQUESTS[name]
        assert wire.is_stop(content) is (name == "stop")
