import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import dsse
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger import append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import Charge, verify_export
from tests.helpers.agreement import AT, a_body, a_chain, an_export, signing_key

KEY = signing_key()
SPENT = (LedgerKind.RESERVE, LedgerKind.RELEASE, LedgerKind.REFUSE, LedgerKind.PAUSE)
WHOLE = an_export(*SPENT)
SMALL = an_export(LedgerKind.PAUSE)


def rejected(data: bytes, **options) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_export(data, **options)
    return caught.value.sentence


def test_an_export_is_summed_up():
    summary = verify_export(WHOLE)
    assert summary.entries == 5
    assert summary.kinds[LedgerKind.RESERVE] == summary.kinds[LedgerKind.GENESIS] == 1
    assert summary.key_fingerprint == dsse.fingerprint(KEY.public_key())
    assert summary.head == a_chain(*SPENT)[-1].digest
    assert summary.refusals == {"sigma-too-low": 1}
    assert summary.rounds == {("ab" * 16, 1)}
    assert (summary.uploads, summary.bytes_out) == (1, 4040)
    charge = Charge("session", 0.1, 1.1, 10, 1000)
    assert summary.charges == {"01" * 16: {charge: 1}, "02" * 16: {charge: 1}}


def test_an_empty_ledger_can_be_exported():
    assert verify_export(b"".join(export([], KEY))).entries == 0


def test_the_same_ledger_without_every_signature_says_the_same():
    assert verify_export(WHOLE, every_signature=False) == verify_export(WHOLE)


@pytest.mark.parametrize("flip", [0x01, 0x02, 0x20, 0x80])
def test_every_changed_byte_is_found(flip):
    for position in range(len(SMALL)):
        changed = bytearray(SMALL)
        changed[position] ^= flip
        rejected(bytes(changed))


@given(st.data(), st.booleans())
def test_any_changed_byte_is_found_with_and_without_every_signature(data, every_signature):
    changed = bytearray(WHOLE)
    position = data.draw(st.integers(0, len(WHOLE) - 1))
    changed[position] = data.draw(st.integers(0, 255).filter(lambda b: b != WHOLE[position]))
    rejected(bytes(changed), every_signature=every_signature)


def test_every_cut_is_found():
    for length in range(len(SMALL)):
        rejected(SMALL[:length])


def test_removed_moved_and_repeated_lines_are_found():
    lines = WHOLE.splitlines(keepends=True)
    for index in range(len(lines)):
        rejected(b"".join(lines[:index] + lines[index + 1 :]))
        rejected(b"".join(lines[: index + 1] + lines[index:]))
        for other in range(index):
            swapped = list(lines)
            swapped[index], swapped[other] = swapped[other], swapped[index]
            rejected(b"".join(swapped))


@given(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=4))
def test_added_bytes_are_found(position, extra):
    grown = WHOLE[:position] + extra + WHOLE[position:]
    rejected(grown)


def test_the_head_of_an_earlier_export_does_not_close_a_later_one():
    earlier = an_export(*SPENT[:2]).splitlines(keepends=True)
    later = WHOLE.splitlines(keepends=True)
    assert "head" in rejected(b"".join([*later[:-1], earlier[-1]]))
    assert "head" in rejected(b"".join([*earlier[:-1], later[-1]]))


def test_a_ledger_of_another_device_is_rejected_when_the_device_is_known():
    fingerprint = dsse.fingerprint(KEY.public_key())
    assert verify_export(WHOLE, fingerprint).entries == 5
    assert "another device" in rejected(an_export(key=signing_key(2)), expected_key=fingerprint)


def test_the_wrong_line_is_named():
    lines = WHOLE.splitlines(keepends=True)
    for index in range(1, len(lines)):
        changed = bytearray(lines[index])
        changed[20] ^= 0x01
        sentence = rejected(b"".join([*lines[:index], bytes(changed), *lines[index + 1 :]]))
        assert sentence.startswith(f"Line {index + 1}:")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n\n",
        b"{}\n",
        b"null\n{}\n",
        b"\xff\xfe\n",
        b'{"public_key":"00"}\n',
        b"[1]\n",
    ],
)
def test_what_is_no_export_is_rejected(data):
    rejected(data)


def _continued(entries, *more):
    for kind, body in more:
        entries = [*entries, append(entries[-1], kind, body, KEY, at=AT)]
    return b"".join(export(entries, KEY))


def test_an_update_without_its_own_reserve_is_rejected():
    reserve, release = a_body(LedgerKind.RESERVE), a_body(LedgerKind.RELEASE)
    genesis = a_chain()
    verify_export(_continued(genesis, (LedgerKind.RESERVE, reserve), (LedgerKind.RELEASE, release)))
    for more in (
        [(LedgerKind.RELEASE, release)],
        [(LedgerKind.RELEASE, release), (LedgerKind.RESERVE, reserve)],
        [(LedgerKind.RESERVE, reserve), (LedgerKind.RELEASE, release | {"reserve": 2})],
        [(LedgerKind.RESERVE, reserve), (LedgerKind.RELEASE, release | {"contract": "00" * 32})],
        [(LedgerKind.RESERVE, reserve)] + [(LedgerKind.RELEASE, release)] * 2,
    ):
        assert "reserve" in rejected(_continued(genesis, *more))
