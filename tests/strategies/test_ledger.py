from dataclasses import replace
from itertools import pairwise

import pytest

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes, parse_canonical
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.ledger import (
    ENTRY_TYPE,
    HOUR,
    NO_ENTRY,
    LedgerEntry,
    append,
    verify_chain,
)
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import AT, a_body, a_chain, signing_key

KEY = signing_key()
PUBLIC = KEY.public_key()
KINDS = [kind for kind in LedgerKind if kind is not LedgerKind.GENESIS]


def verified(envelopes, **options):
    return list(verify_chain(envelopes, PUBLIC, **options))


def signed(**fields) -> bytes:
    """An entry as somebody who has the key, but not our code, could sign it."""
    whole = {"seq": 0, "prev": NO_ENTRY, "kind": "genesis", "at": 0}
    whole |= {"body": a_body(LedgerKind.GENESIS)} | fields
    return dsse.sign(canonical_bytes(whole), ENTRY_TYPE, KEY)


def test_a_chain_of_every_kind_verifies():
    entries = a_chain(*KINDS)
    assert verified([entry.envelope for entry in entries]) == entries
    assert verified([entry.envelope for entry in entries], every_signature=False) == entries
    assert [entry.seq for entry in entries] == list(range(len(entries)))
    assert all(b.prev == a.digest for a, b in pairwise(entries))


def test_an_entry_reads_back_from_its_envelope():
    entry = a_chain(LedgerKind.RESERVE)[1]
    assert LedgerEntry.from_envelope(entry.envelope) == entry
    assert LedgerEntry.from_signed(entry.envelope, PUBLIC) == entry
    with pytest.raises(VerificationError):
        LedgerEntry.from_signed(entry.envelope, signing_key(2).public_key())


def test_no_time_finer_than_an_hour_is_signed():
    entry = append(None, LedgerKind.GENESIS, a_body(LedgerKind.GENESIS), KEY, at=AT + 1234.5)
    assert entry.at == (AT + 1234) // HOUR * HOUR
    payload = parse_canonical(dsse.payload_of(entry.envelope, ENTRY_TYPE))
    assert payload["at"] % HOUR == 0
    with pytest.raises(VerificationError):
        LedgerEntry.from_envelope(signed(at=AT + 1))


def test_a_clock_set_back_does_not_break_the_chain():
    first = a_chain()[0]
    second = append(first, LedgerKind.PAUSE, {"timed": True}, KEY, at=0)
    assert verified([first.envelope, second.envelope]) == [first, second]


@pytest.mark.parametrize("every_signature", [True, False])
def test_removed_moved_and_repeated_entries_are_found(every_signature):
    envelopes = [entry.envelope for entry in a_chain(*KINDS)]
    for changed in (
        envelopes[1:],
        envelopes[:2] + envelopes[3:],
        [envelopes[0], envelopes[2], envelopes[1], *envelopes[3:]],
        [envelopes[0], *envelopes],
        [*envelopes, envelopes[-1]],
    ):
        with pytest.raises(VerificationError):
            verified(changed, every_signature=every_signature)


def test_an_entry_of_another_key_is_found():
    entries = a_chain(LedgerKind.PAUSE)
    forged = append(entries[0], LedgerKind.PAUSE, {"timed": True}, signing_key(2), at=AT)
    with pytest.raises(VerificationError):
        verified([entries[0].envelope, forged.envelope])


def test_genesis_comes_first_and_once():
    genesis = a_chain()[0]
    with pytest.raises(ValueError, match="genesis"):
        append(genesis, LedgerKind.GENESIS, genesis.body, KEY, at=AT)
    with pytest.raises(ValueError, match="genesis"):
        append(None, LedgerKind.PAUSE, {"timed": True}, KEY, at=AT)
    with pytest.raises(VerificationError):
        verified([signed(kind="pause", body={"timed": True})])
    with pytest.raises(VerificationError):
        verified([genesis.envelope, signed(seq=1, prev=genesis.digest)])


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": -1},
        {"seq": True},
        {"seq": 1.0},
        {"at": -HOUR},
        {"at": 0.0},
        {"prev": None},
        {"kind": "refund"},
        {"kind": []},
        {"body": []},
        {"body": {"format": 1}},
        {"extra": 1},
    ],
)
def test_an_odd_entry_is_malformed_whoever_signed_it(fields):
    with pytest.raises(VerificationError):
        LedgerEntry.from_signed(signed(**fields), PUBLIC)


def test_entries_are_values():
    entry = a_chain()[0]
    assert entry == replace(entry)
    assert not hasattr(entry, "__dict__")
