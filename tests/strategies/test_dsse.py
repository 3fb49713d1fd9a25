import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import VerificationError
from tests.helpers.agreement import signing_key

TYPE = "application/vnd.deskbound.test+json"
KEY = signing_key()
PUBLIC = KEY.public_key()
ENVELOPE = dsse.sign(b'{"a":1}', TYPE, KEY)


def rejected(envelope: bytes, payload_type: str = TYPE) -> None:
    with pytest.raises(VerificationError):
        dsse.verify(envelope, payload_type, PUBLIC)


def test_the_encoding_is_that_of_the_dsse_protocol_page():
    encoded = dsse.pre_authentication_encoding(b"hello world", "http://example.com/HelloWorld")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.binary(max_size=200))
def test_a_payload_comes_back(payload):
    envelope = dsse.sign(payload, TYPE, KEY)
    assert dsse.verify(envelope, TYPE, PUBLIC) == payload
    assert dsse.payload_of(envelope, TYPE) == payload


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_every_changed_byte_is_rejected(flip):
    for position in range(len(ENVELOPE)):
        changed = bytearray(ENVELOPE)
        changed[position] ^= flip
        rejected(bytes(changed))


def test_every_cut_and_every_addition_is_rejected():
    for length in range(len(ENVELOPE)):
        rejected(ENVELOPE[:length])
    for extra in (b" ", b"\n", b"\x00", ENVELOPE):
        rejected(ENVELOPE + extra)
        rejected(extra + ENVELOPE)


def test_another_type_or_key_is_rejected():
    rejected(ENVELOPE, "application/vnd.deskbound.other+json")
    rejected(dsse.sign(b'{"a":1}', TYPE, signing_key(2)))


def test_a_signature_for_one_type_does_not_serve_another():
    raw = json.loads(ENVELOPE)
    raw["payloadType"] = "application/vnd.deskbound.other+json"
    rejected(canonical_bytes(raw), "application/vnd.deskbound.other+json")


def test_no_or_two_signatures_are_rejected():
    raw = json.loads(ENVELOPE)
    rejected(canonical_bytes(raw | {"signatures": []}))
    rejected(canonical_bytes(raw | {"signatures": raw["signatures"] * 2}))


@pytest.mark.parametrize("part", ["payload", "payloadType", "signatures"])
@pytest.mark.parametrize("value", [None, 1, "", "ä", [], {}, [[]], [{"sig": 1, "keyid": 2}]])
def test_parts_of_another_type_are_rejected(part, value):
    rejected(canonical_bytes(json.loads(ENVELOPE) | {part: value}))


def test_loose_trailing_bits_of_base64_are_rejected():
    raw = json.loads(dsse.sign(b"a", TYPE, KEY))
    assert raw["payload"] == "YQ=="
    assert base64.b64decode("YR==") == b"a"  # a second spelling that a lax reader takes
    raw["payload"] = "YR=="
    rejected(canonical_bytes(raw))


def test_errors_hold_nothing_of_the_payload():
    envelope = dsse.sign(b"canary-7f3a", TYPE, signing_key(2))
    with pytest.raises(VerificationError) as caught:
        dsse.verify(envelope, TYPE, PUBLIC)
    assert "canary" not in str(caught.value) + caught.value.mend
