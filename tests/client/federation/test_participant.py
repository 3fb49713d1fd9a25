"""What a laptop answers, with a laptop that behaves but holds no vault."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from deskbound_client.federation.participant import (
    LONGEST_SILENCE_SECONDS,
    SHORTEST_SILENCE_SECONDS,
    Answered,
    Silence,
    answer,
    refused,
    silence,
)
from deskbound_strategies import codec, contract, dsse, wire
from deskbound_strategies.checkpoint import Trust
from deskbound_strategies.errors import LOCAL_ONLY, DiskFullError, Refusal, RefusalCode
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.task import find_task, weights_of
from tests.helpers.agreement import AT
from tests.helpers.learning import contract as terms
from tests.helpers.learning import some_units
from tests.helpers.log import MemoryLog, witness

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
TASK = find_task("next_action")
WEIGHTS = codec.encode(weights_of(TASK.build_model(1)), TASK.layout())
ANCHOR = "a" * 64
DAYS = (date(2026, 11, 18), date(2026, 11, 19))


@dataclass(frozen=True)
class Paid:
    days: tuple[date, ...]


@dataclass
class FakeLaptop:
    """A laptop in memory; ``said`` is the order in which things were done."""

    willing: list[bool] = field(default_factory=lambda: [True])
    days: tuple[date, ...] = DAYS
    affordable: tuple[date, ...] = DAYS
    history: RefusalCode | None = None
    forked: RefusalCode | None = None
    unnamed: bool = False
    kept: Answered | None = None
    broken: str = ""
    said: list[object] = field(default_factory=list)
    floor = PROFILES["research"]
    contract_key = KEY.public_key()
    trust = MemoryLog().trust
    anchor = ANCHOR

    def now(self):
        return AT

    def is_willing(self):
        self._do("willing")
        return self.willing.pop(0) if len(self.willing) > 1 else self.willing[0]

    def find_task(self, name):
        self._do("find_task")
        return find_task(name)

    def refuse(self, code, contract_digest):
        self._do("refuse")
        self.said.append((code, contract_digest))

    def follow(self, accepted):
        self._do("follow")
        if self.forked is not None:
            raise Refusal(self.forked)

    def answered(self, asked):
        self._do("answered")
        return self.kept

    def check_release(self, asked):
        self._do("check_release")
        if self.unnamed:
            raise Refusal(RefusalCode.RELEASE_NOT_LOGGED)

    def keep_model(self, accepted):
        self._do("keep_model")

    def units(self, asked):
        self._do("units")
        return {day: some_units([5, 7], seed=day.day) for day in self.days}

    def reserve(self, asked, days, lattice):
        self._do("reserve")
        if self.history is not None:
            raise Refusal(self.history)
        paid = tuple(day for day in days if day in self.affordable)
        return Paid(paid) if paid else None

    def train(self, accepted, units):
        self._do("train")
        self.said.append(len(units))
        if self.broken == "nan":
            return {name: array * np.nan for name, array in accepted.weights.items()}
        return {name: np.zeros_like(array) for name, array in accepted.weights.items()}

    def release(self, asked, update):
        self._do("release")
        return b"receipt"

    def stop(self, order, proven):
        self._do("stop")

    def listen_while_training(self, listen):
        self.listen = listen

    def _do(self, what):
        if self.broken == what:
            raise DiskFullError("secret words of a person", "more of them")
        if what not in ("willing", "find_task"):
            self.said.append(what)


def asked(**changes):
    plain = {
        "issued": AT - 1, "deadline": AT + 300, "model_hash": hashlib.sha256(WEIGHTS).hexdigest(),
        "sampling_rate": 0.1, "noise_multiplier": 2.0, "vocabulary_hash": TASK.vocabulary_hash,
    }  # fmt: skip
    return terms(**(plain | changes))


def request(wanted, weights=WEIGHTS):
    log = MemoryLog()
    envelope, index = log.sign(wanted, KEY)
    return wire.contract_message(envelope, log.prove(index, ANCHOR), weights)


def refusal(outcome):
    return wire.parse_reply(outcome)


def test_a_good_contract_is_answered_in_this_order():
    laptop, wanted = FakeLaptop(), asked()
    reply = wire.parse_reply(answer(request(wanted), laptop))
    assert reply.contract_digest == wanted.digest()
    assert reply.receipt == b"receipt"
    work = ["keep_model", "units", "reserve", "train", 4, "release"]
    assert laptop.said == ["follow", "answered", "check_release", *work]


def test_what_was_released_is_sent_again_as_it_was():
    laptop, wanted = FakeLaptop(kept=Answered(b"the same bytes", b"its receipt")), asked()
    reply = wire.parse_reply(answer(request(wanted), laptop))
    assert (reply.update, reply.receipt) == (b"the same bytes", b"its receipt")
    assert laptop.said == ["follow", "answered"], "nothing is trained or charged again"


def test_a_release_that_is_not_named_is_silence_and_comes_before_any_data():
    laptop, code = FakeLaptop(unnamed=True), RefusalCode.RELEASE_NOT_LOGGED
    assert isinstance(answer(request(asked()), laptop), Silence)
    assert laptop.said == [
        "follow", "answered", "check_release", "refuse", (code, asked().digest())
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{"model_hash": "1" * 64}, {"noise_multiplier": 0.1}, {"deadline": AT - 1}]
)
def test_no_code_tells_which_release_runs_here(changes):
    message = request(asked(**changes))
    named, unnamed = answer(message, FakeLaptop()), answer(message, FakeLaptop(unnamed=True))
    assert refusal(named) is refusal(unnamed)


@pytest.mark.parametrize("code", sorted(LOCAL_ONLY))
def test_what_the_log_said_before_is_silence_and_comes_before_any_data(code):
    laptop = FakeLaptop(forked=code)
    assert isinstance(answer(request(asked()), laptop), Silence)
    assert "units" not in laptop.said
    assert laptop.said[-1] == (code, asked().digest())


def test_a_contract_that_is_not_in_the_log():
    log, wanted = MemoryLog(), asked()
    envelope, index = log.sign(wanted, KEY)
    log.append(b"another leaf")
    for proof in (b"", b"{}", log.prove(index + 1, ANCHOR), log.prove(index, "0" * 64)[:-1]):
        message = wire.contract_message(envelope, proof, WEIGHTS)
        assert refusal(answer(message, FakeLaptop())) is RefusalCode.LOG_PROOF
    other = MemoryLog(Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    _, index = other.sign(wanted, KEY)
    message = wire.contract_message(envelope, other.prove(index, ANCHOR), WEIGHTS)
    assert refusal(answer(message, FakeLaptop())) is RefusalCode.LOG_PROOF


def test_a_head_without_its_quorum_is_told_apart_and_costs_nothing():
    log, wanted = MemoryLog(), asked()
    envelope, index = log.sign(wanted, KEY)
    keys, verifiers = zip(*(witness(number) for number in range(2)), strict=True)
    for cosigners, heard in ((), ""), (keys[:1], ""), (keys, "receipt"):
        laptop = FakeLaptop()
        laptop.trust = Trust(log.verifier, verifiers, 2)
        proof = log.prove(index, ANCHOR, cosigners=cosigners)
        found = refusal(answer(wire.contract_message(envelope, proof, WEIGHTS), laptop))
        if heard:
            assert found.receipt == b"receipt"
        else:
            assert found is RefusalCode.WITNESS_QUORUM
            assert laptop.said == ["refuse", (RefusalCode.WITNESS_QUORUM, wanted.digest())]


def test_an_answer_that_cannot_be_looked_up_is_silence():
    assert isinstance(answer(request(asked()), FakeLaptop(broken="answered")), Silence)
    assert isinstance(answer(request(asked()), FakeLaptop(broken="follow")), Silence)


def test_only_days_that_were_paid_for_are_trained_on():
    laptop = FakeLaptop(affordable=DAYS[:1])
    answer(request(asked()), laptop)
    assert 2 in laptop.said
    assert 4 not in laptop.said


@pytest.mark.parametrize(
    ("laptop", "why"),
    [
        (FakeLaptop(willing=[False]), "paused or no consent"),
        (FakeLaptop(days=()), "no data"),
        (FakeLaptop(affordable=()), "no budget"),
        (FakeLaptop(willing=[True, False]), "paused while it trained"),
        (FakeLaptop(broken="keep_model"), "a full disk"),
        (FakeLaptop(broken="units"), "a damaged vault"),
        (FakeLaptop(broken="reserve"), "a full disk"),
        (FakeLaptop(broken="train"), "out of memory"),
        (FakeLaptop(broken="nan"), "an update that is not finite"),
        (FakeLaptop(broken="release"), "a full disk"),
    ],
)
def test_whatever_could_tell_about_data_or_person_is_silence(laptop, why):
    assert isinstance(answer(request(asked()), laptop), Silence), why
    assert "refuse" not in laptop.said


@pytest.mark.parametrize("content", [None, "floor", "signature", "contract"])
def test_a_laptop_that_is_not_willing_refuses_nothing_either(content):
    made = None if content is None else request(asked(noise_multiplier=0.1))
    laptop = FakeLaptop(willing=[False])
    assert isinstance(answer(made, laptop), Silence)
    assert laptop.said == []


def test_each_refusal_is_in_the_ledger_before_it_travels():
    wanted, laptop = asked(noise_multiplier=0.1), FakeLaptop()
    assert refusal(answer(request(wanted), laptop)) is RefusalCode.SIGMA_TOO_LOW
    assert laptop.said == ["refuse", (RefusalCode.SIGMA_TOO_LOW, wanted.digest())]


def test_a_refusal_that_cannot_be_written_down_is_not_sent():
    laptop = FakeLaptop(broken="refuse")
    assert isinstance(answer(request(asked(noise_multiplier=0.1)), laptop), Silence)


def test_an_error_before_data_is_touched_is_only_a_code():
    outcome = answer(request(asked()), FakeLaptop(broken="find_task"))
    assert refusal(outcome) is RefusalCode.INTERNAL
    assert "secret words" not in repr(outcome)


@pytest.mark.parametrize("code", sorted(LOCAL_ONLY))
def test_what_was_done_before_is_silence_and_in_the_ledger(code):
    wanted, laptop = asked(), FakeLaptop(history=code)
    without_data = answer(request(wanted), FakeLaptop(days=()))
    assert answer(request(wanted), laptop) == without_data
    assert laptop.said[-2:] == ["refuse", (code, wanted.digest())]
    assert "train" not in laptop.said


def test_what_was_done_before_is_silence_even_when_it_cannot_be_written_down():
    laptop = FakeLaptop(history=RefusalCode.CONTRACT_REPLAYED, broken="refuse")
    assert isinstance(answer(request(asked()), laptop), Silence)


@pytest.mark.parametrize("code", sorted(LOCAL_ONLY))
@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({"model_hash": "1" * 64}, WEIGHTS),
        ({"noise_multiplier": 0.1}, WEIGHTS),
        ({"model_hash": hashlib.sha256(b"").hexdigest()}, b""),
    ],
)
def test_no_code_tells_what_was_done_before(code, changes, weights):
    message = request(asked(**changes), weights)
    fresh, used = answer(message, FakeLaptop()), answer(message, FakeLaptop(history=code))
    assert refusal(fresh) is refusal(used)


@pytest.mark.parametrize("code", sorted(LOCAL_ONLY))
def test_a_code_for_the_ledger_never_becomes_a_message(code):
    laptop = FakeLaptop()
    assert isinstance(refused(code, laptop), Silence)
    assert laptop.said == ["refuse", (code, None)]


def test_a_foreign_signature():
    other = dsse.sign(
        asked().to_bytes(), contract.PAYLOAD_TYPE, Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    )
    outcome = answer(wire.contract_message(other, b"{}", WEIGHTS), FakeLaptop())
    assert refusal(outcome) is RefusalCode.CONTRACT_SIGNATURE


def test_weights_must_be_the_ones_the_contract_names():
    laptop = FakeLaptop()
    assert refusal(answer(request(asked(model_hash="1" * 64)), laptop)) is (
        RefusalCode.MODEL_MISMATCH
    )
    assert "reserve" not in laptop.said


def test_a_silence_lasts_until_nobody_waits_any_more():
    wanted = asked()
    assert answer(request(wanted), FakeLaptop(days=())) == Silence(wanted.deadline)


@given(st.integers(0, 2**40))
def test_a_silence_has_bounds(deadline):
    now = int(FakeLaptop().now())
    found = silence(FakeLaptop(), replace(asked(), deadline=max(1, deadline)))
    assert now + SHORTEST_SILENCE_SECONDS <= found.until <= now + LONGEST_SILENCE_SECONDS


def test_refusals_are_refusals():
    with pytest.raises(Refusal):
        FakeLaptop().find_task("no such task")
