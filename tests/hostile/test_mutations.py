"""A thousand random changes to ledgers and contracts: every one is noticed.

The ledger is one that a laptop wrote and signed; the contract is signed by its server. A change is
made to bytes, to fields (with everything around them made whole again except what needs the key),
or to the order of entries, and by a thief of *another* device's key, too.
"""

import base64
import json
import random
from collections.abc import Callable

import pytest

from deskbound_strategies import contract, dsse
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import Refusal, VerificationError
from deskbound_strategies.ledger import ENTRY_TYPE, append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.ledger_export import verify_export
from tests.helpers.agreement import AT, a_body, a_chain, a_contract, signing_key

KEY, OTHER_KEY, SERVER = signing_key(1), signing_key(2), signing_key(3)
DEVICE = dsse.fingerprint(KEY.public_key())
CHANGES = 1000

Lines = list[bytes]
Change = Callable[[random.Random, Lines, Lines], Lines]


def a_ledger(key, rounds: int, blocks: str) -> bytes:
    entries = a_chain(LedgerKind.JOIN, LedgerKind.POLICY, LedgerKind.CONSENT, key=key)

    def add(kind, **changes):
        entries.append(append(entries[-1], kind, a_body(kind) | changes, key, at=AT))

    for number in range(1, rounds + 1):
        name = a_contract(round=number).digest()
        add(LedgerKind.RESERVE, round=number, contract=name, blocks=[blocks * 16])
        add(LedgerKind.RELEASE, contract=name, reserve=entries[-1].seq)
        add(LedgerKind.REFUSE)
    add(LedgerKind.PAUSE)
    add(LedgerKind.RESUME)
    return b"".join(export(entries, key))


LEDGER, FOREIGN = a_ledger(KEY, 6, "01"), a_ledger(OTHER_KEY, 6, "02")


def bit_flip(chance, lines, _):
    index = chance.randrange(len(lines))
    changed = bytearray(lines[index])
    place = chance.randrange(len(changed))
    changed[place] ^= 1 << chance.randrange(8)
    return [*lines[:index], bytes(changed), *lines[index + 1 :]]


def byte_cut(chance, lines, _):
    index = chance.randrange(len(lines))
    place = chance.randrange(len(lines[index]))
    return [*lines[:index], lines[index][:place] + lines[index][place + 1 :], *lines[index + 1 :]]


def field_change(chance, lines, _):
    """Change a value inside an entry; the envelope is canonical again, its signature is the old."""
    index = chance.randrange(1, len(lines) - 1)
    outer = json.loads(lines[index])
    payload = json.loads(base64.b64decode(outer["payload"]))
    change_a_value(chance, payload)
    outer["payload"] = base64.b64encode(canonical_bytes(payload)).decode()
    return [*lines[:index], canonical_bytes(outer), *lines[index + 1 :]]


def forged_entry(chance, lines, _):
    """The same, signed anew by somebody who has a key, though not this device's."""
    index = chance.randrange(1, len(lines) - 1)
    payload = json.loads(base64.b64decode(json.loads(lines[index])["payload"]))
    change_a_value(chance, payload)
    forged = dsse.sign(canonical_bytes(payload), ENTRY_TYPE, OTHER_KEY)
    return [*lines[:index], forged, *lines[index + 1 :]]


def swap(chance, lines, _):
    first, second = chance.sample(range(len(lines)), 2)
    changed = list(lines)
    changed[first], changed[second] = changed[second], changed[first]
    return changed


def drop(chance, lines, _):
    index = chance.randrange(len(lines))
    return lines[:index] + lines[index + 1 :]


def cut_off(chance, lines, _):
    """Lose the newest entries and keep the signed head."""
    kept = chance.randrange(1, len(lines) - 1)
    return [*lines[:kept], lines[-1]]


def duplicate(chance, lines, _):
    index = chance.randrange(len(lines))
    return [*lines[: index + 1], lines[index], *lines[index + 1 :]]


def splice(chance, lines, foreign):
    """Put entries of another laptop in the place of these."""
    index = chance.randrange(len(lines))
    count = chance.randrange(1, 6)
    return [*lines[:index], *foreign[index : index + count], *lines[index + count :]]


def old_head(chance, lines, _):
    """Put the head of an earlier export at the end of this one."""
    rounds = chance.randrange(0, 6)
    return [*lines[:-1], a_ledger(KEY, rounds, "01").splitlines()[-1]]


def blank(chance, lines, _):
    """White space that changes no value."""
    index = chance.randrange(len(lines))
    space = chance.choice([b" ", b"\r", b"\t", b"\n"])
    changed = chance.choice([space + lines[index], lines[index] + space])
    return [*lines[:index], changed, *lines[index + 1 :]]


LEDGER_CHANGES: list[Change] = [
    bit_flip, byte_cut, field_change, forged_entry, swap, drop, cut_off, duplicate, splice,
    old_head, blank,
]  # fmt: skip


def change_a_value(chance, value):
    """Change one leaf of a JSON object to another value of its own type."""
    leaves = list(leaves_of(value))
    holder, key = chance.choice(leaves)
    holder[key] = another(chance, holder[key])


def leaves_of(value):
    for key in value if isinstance(value, dict) else range(len(value)):
        if isinstance(value[key], dict | list):
            yield from leaves_of(value[key])
        else:
            yield value, key


def another(chance, old):
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return old + chance.choice([-1, 1, 3600, 2**31])
    if isinstance(old, float):
        return old * chance.choice([0.5, 2.0, 1 + 2**-50])
    if old is None:
        return "00" * 32
    place = chance.randrange(len(old))
    return old[:place] + chance.choice([c for c in "0a1bz" if c != old[place]]) + old[place + 1 :]


@pytest.mark.parametrize("every_signature", [True, False], ids=["every signature", "the head's"])
def test_every_change_to_a_ledger_is_noticed(every_signature):
    chance = random.Random(20_26)
    lines, foreign = LEDGER.splitlines(), FOREIGN.splitlines()
    noticed = tried = 0
    while tried < CHANGES // 2:
        change = LEDGER_CHANGES[tried % len(LEDGER_CHANGES)]
        changed = b"\n".join(change(chance, lines, foreign)) + b"\n"
        if changed == LEDGER:
            continue  # two equal lines swapped: nothing was changed
        tried += 1
        try:
            verify_export(changed, DEVICE, every_signature=every_signature)
        except VerificationError:
            noticed += 1
    assert noticed == tried == CHANGES // 2


def test_the_unchanged_ledger_passes_and_so_does_nothing_of_the_thiefs():
    summary = verify_export(LEDGER, DEVICE)
    assert (summary.uploads, len(summary.rounds)) == (6, 6)
    with pytest.raises(VerificationError, match="another device"):
        verify_export(FOREIGN, DEVICE)


CONTRACT = a_contract(releases="ab" * 32)
ENVELOPE = dsse.sign(CONTRACT.to_bytes(), contract.PAYLOAD_TYPE, SERVER)


def flipped(chance):
    return bit_flip(chance, [ENVELOPE], [])[0]


def shortened(chance):
    return byte_cut(chance, [ENVELOPE], [])[0]


def with_another_term(chance):
    outer = json.loads(ENVELOPE)
    payload = json.loads(base64.b64decode(outer["payload"]))
    change_a_value(chance, payload)
    outer["payload"] = base64.b64encode(canonical_bytes(payload)).decode()
    return canonical_bytes(outer)


def signed_by_another(chance):
    terms = json.loads(CONTRACT.to_bytes())
    if chance.random() < 0.9:
        change_a_value(chance, terms)
    return dsse.sign(canonical_bytes(terms), contract.PAYLOAD_TYPE, chance.choice([KEY, OTHER_KEY]))


def signed_as_something_else(chance):
    kind = chance.choice([ENTRY_TYPE, contract.PAYLOAD_TYPE + " ", "text/plain"])
    return dsse.sign(CONTRACT.to_bytes(), kind, SERVER)


def signature_moved(chance):
    outer, other = json.loads(ENVELOPE), a_contract(round=chance.randrange(2, 99))
    donor = json.loads(dsse.sign(other.to_bytes(), contract.PAYLOAD_TYPE, SERVER))
    return canonical_bytes(outer | {"signatures": donor["signatures"]})


def signed_twice(_):
    outer = json.loads(ENVELOPE)
    return canonical_bytes(outer | {"signatures": outer["signatures"] * 2})


def spelled_otherwise(chance):
    return json.dumps(json.loads(ENVELOPE), indent=chance.randrange(0, 4)).encode()


CONTRACT_CHANGES = [
    flipped, shortened, with_another_term, signed_by_another, signed_as_something_else,
    signature_moved, signed_twice, spelled_otherwise,
]  # fmt: skip


def read(envelope: bytes) -> RoundContract:
    """As a laptop reads it (``federation/participant.py``)."""
    return RoundContract.from_bytes(
        dsse.verify(envelope, contract.PAYLOAD_TYPE, SERVER.public_key())
    )


def test_every_change_to_a_contract_is_noticed():
    chance = random.Random(20_27)
    noticed = 0
    for number in range(CHANGES // 2):
        changed = CONTRACT_CHANGES[number % len(CONTRACT_CHANGES)](chance)
        assert changed != ENVELOPE
        try:
            read(changed)
        except (VerificationError, Refusal):
            noticed += 1
    assert noticed == CHANGES // 2
    assert read(ENVELOPE) == CONTRACT
