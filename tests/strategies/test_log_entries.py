import tracemalloc
from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import (
    MAX_LEAF_BYTES,
    MAX_RECEIPT_BYTES,
    MAX_RELEASE_LEAF_BYTES,
    RECEIPT_TYPE,
    LoggedContract,
    LoggedRelease,
    Receipt,
    ReleasedModel,
    anchor_of,
    contract_leaf,
    model_leaf,
    read_leaf,
    receipt_leaf,
    release_leaf,
)
from deskbound_strategies.release import MAX_BYTES, manifest_name, verify_release
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import REVIEWER, REVIEWER_HEX, Pen, a_manifest

KEY = signing_key()
PUBLIC = KEY.public_key()
CONTRACT = a_contract()
SIGNED = dsse.sign(CONTRACT.to_bytes(), PAYLOAD_TYPE, KEY)
RECEIPT = Pen().receipt(CONTRACT.digest())
MODEL = ReleasedModel(CONTRACT.digest(), CONTRACT.run, CONTRACT.round, "ab" * 32, 3)
MANIFEST = a_manifest()
LEAVES = (
    contract_leaf(SIGNED),
    receipt_leaf(RECEIPT),
    model_leaf(MODEL),
    release_leaf(MANIFEST, REVIEWER_HEX),
)


def refused(data: bytes, key: Ed25519PublicKey = PUBLIC) -> str:
    with pytest.raises(VerificationError) as caught:
        read_leaf(data, key)
    return caught.value.sentence


def test_leaves_say_what_was_written():
    found = read_leaf(LEAVES[0], PUBLIC)
    assert found == LoggedContract(CONTRACT, SIGNED)
    assert read_leaf(LEAVES[1], PUBLIC) == Receipt.open(RECEIPT)
    assert read_leaf(LEAVES[2], PUBLIC) == MODEL
    release = verify_release(MANIFEST, REVIEWER.public_key())
    assert read_leaf(LEAVES[3], PUBLIC) == LoggedRelease(
        manifest_name(MANIFEST), REVIEWER_HEX, release.digest(), "0.1.0"
    )


def test_a_leaf_is_canonical_json_with_one_key():
    assert LEAVES[0] == b'{"contract":%b}' % SIGNED
    assert LEAVES[1] == b'{"receipt":%b}' % RECEIPT
    assert LEAVES[2] == canonical_bytes({"model": asdict(MODEL)})
    assert LEAVES[3] == canonical_bytes(
        {"release": {"manifest": parse_canonical(MANIFEST), "reviewer": REVIEWER_HEX}}
    )
    for leaf in LEAVES:
        assert canonical_bytes(parse_canonical(leaf)) == leaf


def test_a_receipt_names_its_anchor_and_tells_nothing_else():
    pen = Pen(4)
    receipt = Receipt.open(pen.receipt(CONTRACT.digest(), count=7))
    assert receipt.anchor.anchor == pen.anchor == anchor_of(bytes.fromhex(receipt.key))
    assert (receipt.anchor.count, receipt.contract) == (7, CONTRACT.digest())
    assert set(asdict(receipt)) == {"key", "contract", "count", "commitment"}


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("flip", [0x01, 0x20])
def test_no_changed_byte_leaves_the_same_leaf(leaf, flip):
    """A model's line is not signed, so another model is another leaf; all else is an error."""
    was = read_leaf(leaf, PUBLIC)
    for position in range(len(leaf)):
        changed = bytearray(leaf)
        changed[position] ^= flip
        try:
            found = read_leaf(bytes(changed), PUBLIC)
        except VerificationError:
            continue
        assert isinstance(found, ReleasedModel)
        assert found != was
        assert model_leaf(found) == bytes(changed), "each leaf has one spelling"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"contract":}',
        b'{"contract":{}}',
        b'{"receipt":{}}',
        b'{"release":{}}',
        b'{"release":{"manifest":{},"reviewer":""}}',
        b'{"release":' + LEAVES[0][12:],
        b'{"contract":' + LEAVES[3][11:],
        LEAVES[3].replace(b',"reviewer"', b',"more":1,"reviewer"'),
        LEAVES[3].replace(REVIEWER_HEX.encode(), REVIEWER_HEX.upper().encode()),
        LEAVES[3].replace(REVIEWER_HEX.encode(), REVIEWER_HEX[2:].encode()),
        b'{"release":' + b"[" * 60_000 + b"}",
        b'{"model":{}}',
        b'{"model":[]}',
        b'{"model":null}',
        b'{"model":"x"}',
        b'{"weather":{}}',
        b'{"model" :' + LEAVES[2][9:],
        b" " + LEAVES[2],
        LEAVES[2] + b" ",
        LEAVES[2] + b"}",
        LEAVES[2][:-1] + b',"more":1}',
        LEAVES[1][:-1] + b"," + LEAVES[2][1:],
        b'{"receipt":' + LEAVES[0][12:],
        b'{"contract":' + LEAVES[1][11:],
        b"\xff" + LEAVES[2],
        b"[" * MAX_LEAF_BYTES,
        b'{"model":' + b"[" * 60_000 + b"}",
        b'{"model":' + b"9" * 60_000 + b"}",
    ],
)
def test_what_is_no_leaf_is_refused(data):
    assert "malformed" in refused(data)


def peak_of(act, *arguments) -> int:
    """Most memory that a refusal took, in bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(VerificationError, match="malformed"):
            act(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_too_long_is_not_even_parsed():
    lists = b"[" + b"[]," * 1_000_000 + b"0]"
    for kind in (b"contract", b"receipt", b"model", b"release"):
        leaf = b'{"%b":%b}' % (kind, lists)
        assert peak_of(read_leaf, leaf, PUBLIC) < 2 * len(leaf)
    assert peak_of(Receipt.open, lists) < 2 * MAX_RECEIPT_BYTES + 20_000
    assert len(RECEIPT) < MAX_RECEIPT_BYTES / 2
    assert all(len(leaf) < MAX_LEAF_BYTES / 2 for leaf in LEAVES)


def test_only_the_servers_contracts_are_contracts():
    assert "another key" in refused(LEAVES[0], signing_key(2).public_key())
    as_receipt = dsse.sign(CONTRACT.to_bytes(), RECEIPT_TYPE, KEY)
    refused(b'{"contract":%b}' % as_receipt)
    nonsense = dsse.sign(b"{}", PAYLOAD_TYPE, KEY)
    assert "contract that is malformed" in refused(contract_leaf(nonsense))


def signed_receipt(pen: Pen, **changes) -> bytes:
    """A receipt with other fields, signed by the laptop all the same."""
    receipt = asdict(Receipt.open(pen.receipt(CONTRACT.digest()))) | changes
    kept = {name: value for name, value in receipt.items() if value is not None}
    return dsse.sign(canonical_bytes(kept), RECEIPT_TYPE, pen.key)


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"count": -1},
        {"count": 1.0},
        {"count": True},
        {"count": "1"},
        {"count": 2**53},
        {"contract": "AB" * 32},
        {"contract": "ab" * 31},
        {"contract": 5},
        {"commitment": "x" * 64},
        {"commitment": ["ab" * 32]},
        {"key": "ab" * 33},
        {"key": None},
        {"count": None},
        {"more": 1},
    ],
)
def test_a_receipt_has_exact_fields(changes):
    with pytest.raises(VerificationError, match="malformed"):
        Receipt.open(signed_receipt(Pen(), **changes))


def test_a_receipt_is_signed_by_the_key_that_it_names():
    other = Pen(2).key.public_key().public_bytes_raw().hex()
    with pytest.raises(VerificationError, match="another key"):
        Receipt.open(signed_receipt(Pen(1), key=other))
    with pytest.raises(VerificationError):
        Receipt.open(dsse.sign(b"[]", RECEIPT_TYPE, KEY))
    with pytest.raises(VerificationError):
        Receipt.open(SIGNED)


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": "ab"},
        {"contract": None},
        {"run": "ab" * 32},
        {"run": 1},
        {"model": "AB" * 32},
        {"model": []},
        {"round": 0},
        {"round": True},
        {"round": 1.0},
        {"admitted": 0},
        {"admitted": 2**53},
        {"admitted": "3"},
    ],
)
def test_a_released_model_has_exact_fields(changes):
    with pytest.raises(ValueError, match="not a released model"):
        replace(MODEL, **changes)
    assert "model that is malformed" in refused(canonical_bytes({"model": asdict(MODEL) | changes}))


def test_only_a_release_may_be_larger_than_other_leaves():
    release = release_leaf(a_manifest(files=3_000), REVIEWER_HEX)
    assert MAX_LEAF_BYTES < len(release) <= MAX_RELEASE_LEAF_BYTES
    assert isinstance(read_leaf(release, PUBLIC), LoggedRelease)
    for kind in (b"contract", b"receipt", b"model"):
        assert "leaf that is malformed" in refused(release.replace(b"release", kind, 1))
    room = MAX_RELEASE_LEAF_BYTES - len(release_leaf(MANIFEST, REVIEWER_HEX)) + len(MANIFEST)
    assert room > MAX_BYTES, "what a laptop may train by can be logged"
    with pytest.raises(VerificationError, match="too large"):
        release_leaf(a_manifest(files=5_000), REVIEWER_HEX)
    before, _, after = LEAVES[3].partition(MANIFEST)
    assert "too large" in refused(before + b"[" * (MAX_BYTES + 1) + after)


def test_a_release_is_signed_by_the_reviewer_it_names():
    other = Pen(2).key.public_key().public_bytes_raw().hex()
    with pytest.raises(VerificationError, match="another key"):
        release_leaf(MANIFEST, other)
    assert "another key" in refused(LEAVES[3].replace(REVIEWER_HEX.encode(), other.encode()))
    for key in ("", "ab", "x" * 64):
        with pytest.raises(VerificationError, match="malformed"):
            release_leaf(MANIFEST, key)
    of_another_type = dsse.sign(b"{}", RECEIPT_TYPE, REVIEWER)
    refused(LEAVES[3].replace(MANIFEST, of_another_type))


@pytest.mark.parametrize("make", [contract_leaf, receipt_leaf])
def test_no_leaf_is_made_of_what_is_no_envelope(make):
    for data in (b"", b"{", b'{"a": 1}', b"\xff"):
        with pytest.raises(VerificationError, match="malformed"):
            make(data)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b'{"model":', b'{"receipt":', b'{"contract":', b'{"release":']),
)
@example(MODEL.model.encode(), b'{"model":')
def test_other_bytes_only_raise(noise, before):
    refused(before + noise + (b"}" if before else b""))
