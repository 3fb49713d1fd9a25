"""Each rule is broken once, alone; and honest logs, at random, are always accepted."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from deskbound_strategies import dsse
from deskbound_strategies.anchors import AnchorMap
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract, join_releases
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import (
    LoggedContract,
    LoggedRelease,
    Receipt,
    ReleasedModel,
    contract_leaf,
    model_leaf,
    receipt_leaf,
    release_leaf,
    stop_leaf,
)
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.release import manifest_name
from deskbound_strategies.stop_order import StopReason
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import REVIEWER_HEX, History, Pen, a_manifest, a_stop

KEY = signing_key()
MODELS = [f"{number:064x}" for number in range(1, 9)]
TERMS = a_contract(model_hash=MODELS[0], minimum_cohort=2)
SECOND = replace(TERMS, round=2, model_hash=MODELS[1])
PLACE = (TERMS.run, 1)


def a_log() -> tuple[History, LogRules]:
    """A round asked, answered by three laptops and released."""
    history = History(KEY)
    history.round(TERMS, MODELS[1])
    return history, followed(history)


def followed(history: History) -> LogRules:
    rules = LogRules(KEY.public_key())
    for leaf in history.leaves:
        rules.add(leaf)
    return rules


def state(rules: LogRules) -> tuple:
    return (
        rules.size, rules.anchors.entries(), dict(rules.contracts), dict(rules.asked),
        dict(rules.released), deepcopy(rules.receipts), deepcopy(rules.counts),
        dict(rules.releases),
    )  # fmt: skip


def breaks(rules: LogRules, leaf: bytes, rule_broken: str) -> None:
    """The leaf is refused for this reason, by its number, and changes nothing."""
    before = state(rules)
    with pytest.raises(VerificationError) as caught:
        rules.add(leaf)
    assert rule_broken in caught.value.sentence
    assert caught.value.sentence.startswith(f"Leaf {rules.size}: ")
    assert state(rules) == before


def asking(contract: RoundContract, key=KEY) -> bytes:
    return contract_leaf(dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, key))


def releasing(of: RoundContract, model: str = MODELS[2], admitted: int = 2, **changes) -> bytes:
    made = ReleasedModel(of.digest(), of.run, of.round, model, admitted)
    return model_leaf(replace(made, **changes))


def test_an_honest_round_is_followed():
    history, rules = a_log()
    (digest,) = rules.contracts
    assert rules.size == len(history.leaves) == 5
    assert rules.contracts[digest] == replace(TERMS, anchors=AnchorMap().digest())
    assert rules.asked == {PLACE: MODELS[0]}
    assert rules.released == {PLACE: MODELS[1]}
    assert rules.receipts == {digest: {pen.anchor for pen in history.pens}}
    assert rules.anchors.digest() == history.anchors.digest()


def test_each_leaf_is_given_back_as_it_was_read():
    history, _ = a_log()
    rules = LogRules(KEY.public_key())
    kinds = [type(rules.add(leaf)) for leaf in history.leaves]
    assert kinds == [LoggedContract, Receipt, Receipt, Receipt, ReleasedModel]


def test_what_was_read_elsewhere_is_taken_alike():
    history, rules = a_log()
    other = LogRules(KEY.public_key())
    reader = LogRules(KEY.public_key())
    for leaf in history.leaves:
        other.apply(reader.add(leaf))
    assert state(other) == state(rules)
    with pytest.raises(VerificationError, match="Leaf 5: a round released two models"):
        other.apply(ReleasedModel(next(iter(rules.contracts)), *PLACE, MODELS[3], 2))
    assert state(other) == state(rules)


def test_a_malformed_leaf_is_broken():
    _, rules = a_log()
    breaks(rules, b"{}", "malformed")
    breaks(rules, b"", "malformed")


def test_a_contract_is_signed_by_the_servers_key():
    history, rules = a_log()
    good = replace(SECOND, anchors=history.anchors.digest())
    breaks(rules, asking(good, signing_key(2)), "another key")
    rules.add(asking(good))


def test_a_contract_appears_once():
    rules = LogRules(KEY.public_key())
    contract = replace(TERMS, anchors=AnchorMap().digest())
    rules.add(asking(contract))
    breaks(rules, asking(contract), "a contract is there twice")


def test_a_contract_names_the_map_as_the_log_has_it():
    history, rules = a_log()
    for digest in (
        AnchorMap().digest(),
        "0" * 64,
        AnchorMap(history.anchors.entries()[1:]).digest(),
    ):
        breaks(rules, asking(replace(SECOND, anchors=digest)), "another map of receipts")
    rules.add(asking(replace(SECOND, anchors=history.anchors.digest())))


def test_a_receipt_changes_the_map_that_the_next_contract_must_name():
    history, rules = a_log()
    before = history.anchors.digest()
    late = Pen(9)
    history.answer(next(iter(rules.contracts.values())), late)
    rules.add(history.leaves[-1])
    breaks(rules, asking(replace(SECOND, anchors=before)), "another map of receipts")
    rules.add(asking(replace(SECOND, anchors=history.anchors.digest())))


def test_one_round_asks_for_one_model():
    history = History(KEY)
    history.ask(TERMS)
    rules = followed(history)
    again = replace(TERMS, anchors=history.anchors.digest(), issued=TERMS.issued + 1)
    breaks(rules, asking(replace(again, model_hash=MODELS[5])), "two different models")
    rules.add(asking(again))
    rules.add(asking(replace(again, run="cd" * 16, model_hash=MODELS[5])))


@pytest.mark.parametrize("model", [MODELS[0], MODELS[5]])
def test_a_round_goes_on_from_what_the_last_one_released(model):
    history, rules = a_log()
    next_one = replace(SECOND, anchors=history.anchors.digest())
    breaks(rules, asking(replace(next_one, model_hash=model)), "does not go on")
    breaks(rules, asking(replace(next_one, round=3)), "does not go on")
    breaks(rules, asking(replace(next_one, run="cd" * 16)), "does not go on")
    rules.add(asking(next_one))


def test_a_round_that_was_released_is_over():
    history, rules = a_log()
    again = replace(TERMS, anchors=history.anchors.digest(), issued=TERMS.issued + 1)
    breaks(rules, asking(again), "released already")


def test_a_receipt_answers_a_contract_of_this_log():
    _, rules = a_log()
    breaks(rules, receipt_leaf(Pen(7).receipt("ab" * 32)), "not in the log")


def test_a_receipt_is_signed_by_its_anchor():
    _, rules = a_log()
    (digest,) = rules.contracts
    honest = Receipt.open(Pen(7).receipt(digest))
    breaks(rules, receipt_leaf(honest.signed(Pen(8).key)), "another key")


def test_a_laptop_has_one_receipt_for_a_contract():
    history, rules = a_log()
    (digest,) = rules.contracts
    breaks(rules, receipt_leaf(history.pens[0].receipt(digest)), "two receipts for one contract")
    breaks(rules, history.leaves[1], "two receipts for one contract")


def test_each_receipt_of_a_laptop_has_a_count_of_its_own_and_the_map_keeps_the_largest():
    history = History(KEY, laptops=1)
    pen = history.pens[0]
    first, second, third = (
        history.ask(replace(TERMS, run=f"{number:032x}")) for number in range(3)
    )
    rules = followed(history)
    lost = Receipt.open(pen.receipt(first.digest(), count=4))  # three that got lost leave a gap
    rules.add(receipt_leaf(pen.receipt(first.digest(), count=4)))
    again = Receipt.open(pen.receipt(second.digest(), count=4))
    assert not rules.takes(again)
    breaks(rules, receipt_leaf(again.signed(pen.key)), "have one count")
    # A run that was asked for earlier and ended later: what it paid for is not lost.
    earlier = Receipt.open(pen.receipt(second.digest(), count=2))
    assert rules.takes(earlier)
    rules.add(receipt_leaf(earlier.signed(pen.key)))
    assert rules.anchors.get(pen.anchor) == lost.anchor
    assert not rules.takes(Receipt.open(pen.receipt(third.digest(), count=2)))
    rules.add(receipt_leaf(pen.receipt(third.digest(), count=5)))
    assert rules.anchors.get(pen.anchor).count == 5


def test_a_model_belongs_to_a_contract_and_its_round():
    history = History(KEY)
    contract = history.ask(TERMS)
    for pen in history.pens:
        history.answer(contract, pen)
    rules = followed(history)
    for changes in ({"contract": "ab" * 32}, {"run": "cd" * 16}, {"round": 2}):
        breaks(rules, releasing(contract, **changes), "belongs to no contract")
    rules.add(releasing(contract))


def test_a_round_releases_one_model():
    _, rules = a_log()
    (contract,) = rules.contracts.values()
    breaks(rules, releasing(contract), "two models")
    breaks(rules, releasing(contract, model=MODELS[1]), "two models")


def test_another_attempt_at_a_round_cannot_release_a_second_model():
    history = History(KEY)
    first, second = (history.ask(replace(TERMS, issued=TERMS.issued + more)) for more in (0, 1))
    for pen in history.pens:
        history.answer(first, pen)
        history.answer(second, pen)
    rules = followed(history)
    rules.add(releasing(second))
    breaks(rules, releasing(first), "two models")


def test_a_model_counts_no_more_replies_than_receipts_and_no_fewer_than_the_cohort():
    history = History(KEY)
    contract = history.ask(TERMS)
    history.answer(contract, history.pens[0])
    rules = followed(history)
    for admitted in (1, 2):
        breaks(
            rules, releasing(contract, admitted=admitted), "more replies than there are receipts"
        )
    history.answer(contract, history.pens[1])
    rules.add(history.leaves[-1])
    for admitted in (1, 3):
        breaks(rules, releasing(contract, admitted=admitted), "or too few")
    rules.add(releasing(contract, admitted=2))


def test_receipts_of_another_attempt_do_not_count():
    history = History(KEY)
    first, second = (history.ask(replace(TERMS, issued=TERMS.issued + more)) for more in (0, 1))
    for pen in history.pens:
        history.answer(first, pen)
    breaks(followed(history), releasing(second), "more replies than there are receipts")


def reviewed(*manifests: bytes) -> tuple[History, LogRules]:
    history = History(KEY)
    for one in manifests:
        history.review(one)
    return history, followed(history)


def test_a_contract_names_only_releases_that_were_logged_before_it():
    first, second = a_manifest("0.1.0"), a_manifest("0.1.1")
    history, rules = reviewed(first)
    terms = replace(TERMS, anchors=history.anchors.digest())
    names = [manifest_name(one) for one in (first, second)]
    hidden = "a contract names a release that is not in the log"
    for releases in (names[1:], names, ["ab" * 32]):
        breaks(rules, asking(replace(terms, releases=join_releases(releases))), hidden)
    rules.add(asking(replace(terms, releases=names[0])))
    rules.add(release_leaf(second, REVIEWER_HEX))
    rules.add(asking(replace(terms, releases=join_releases(names))))
    rules.add(asking(terms))


def test_a_release_another_reviewer_signed_does_not_stand_for_this_one():
    """Else a server could log code under a key of its own and hide the reviewer's signature."""
    theirs = a_manifest(key=Pen(3).key)
    history = History(KEY)
    history.review(theirs, Pen(3).key)
    rules = followed(history)
    mine = replace(TERMS, anchors=history.anchors.digest(), releases=manifest_name(a_manifest()))
    breaks(rules, asking(mine), "a release that is not in the log")
    rules.add(release_leaf(a_manifest(), REVIEWER_HEX))
    rules.add(asking(mine))
    assert len({one.release for one in rules.releases.values()}) == 1, "the same code, signed twice"


def test_a_signed_manifest_appears_once_and_is_kept_in_short():
    manifest = a_manifest()
    _, rules = reviewed(manifest)
    breaks(rules, release_leaf(manifest, REVIEWER_HEX), "a signed manifest is there twice")
    (kept,) = rules.releases.values()
    assert kept == LoggedRelease(manifest_name(manifest), REVIEWER_HEX, kept.release, "0.1.0")


def test_a_release_that_nobody_signed_breaks_the_log():
    _, rules = reviewed()
    leaf = release_leaf(a_manifest(), REVIEWER_HEX)
    other = Pen(2).key.public_key().public_bytes_raw().hex()
    breaks(rules, leaf.replace(REVIEWER_HEX.encode(), other.encode()), "another key")


class HonestServer(RuleBasedStateMachine):
    """Runs that begin, fail, are tried again and go on; laptops that answer late, or never."""

    @initialize(laptops=st.integers(0, 4))
    def begin(self, laptops):
        self.history = History(KEY, laptops)
        self.rules = LogRules(KEY.public_key())
        self.at: dict[str, tuple[int, str]] = {}  # round and model that each run is at
        self.open: dict[str, RoundContract] = {}  # last attempt of each run
        self.heard: dict[str, set[str]] = {}
        self.contracts: list[RoundContract] = []
        self.clock = TERMS.issued

    @rule()
    def start_a_run(self):
        self.at[f"{len(self.at):032x}"] = (1, MODELS[len(self.at) % len(MODELS)])

    @precondition(lambda self: self.at)
    @rule(data=st.data(), cohort=st.integers(1, 3))
    def ask(self, data, cohort):
        run = data.draw(st.sampled_from(sorted(self.at)))
        number, model = self.at[run]
        self.clock += 1
        known = sorted(followed(self.history).releases)
        named = data.draw(st.lists(st.sampled_from(known), max_size=3)) if known else []
        contract = self.history.ask(
            replace(
                TERMS, run=run, round=number, model_hash=model, minimum_cohort=cohort,
                issued=self.clock, deadline=self.clock + 60, releases=join_releases(named),
            )
        )  # fmt: skip
        self.open[run] = contract
        self.heard[contract.digest()] = set()
        self.contracts.append(contract)

    @rule(patch=st.integers(0, 9))
    def review(self, patch):
        """A reviewer signs a release, once; with another number it is another one."""
        envelope = a_manifest(f"0.1.{patch}")
        if release_leaf(envelope, REVIEWER_HEX) not in self.history.leaves:
            self.history.review(envelope)

    @precondition(lambda self: self.contracts and self.history.pens)
    @rule(data=st.data(), lost=st.integers(0, 2))
    def answer(self, data, lost):
        """Also one of long ago: its round may be over. Some receipts got lost before."""
        contract = data.draw(st.sampled_from(self.contracts))
        pen = data.draw(st.sampled_from(self.history.pens))
        heard = self.heard[contract.digest()]
        if pen.anchor not in heard:
            pen.count += lost
            self.history.answer(contract, pen)
            heard.add(pen.anchor)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def release(self, data):
        run = data.draw(st.sampled_from(sorted(self.open)))
        contract = self.open[run]
        receipts = len(self.heard[contract.digest()])
        if receipts >= contract.minimum_cohort:
            admitted = data.draw(st.integers(contract.minimum_cohort, receipts))
            model = data.draw(st.sampled_from(MODELS))
            self.history.release(contract, model, admitted)
            self.at[run] = (contract.round + 1, model)
            del self.open[run]

    @precondition(lambda self: self.history.leaves)
    @rule(data=st.data())
    def repeat_a_leaf(self, data):
        """Whatever leaf it is, once was enough."""
        self.catch_up()
        before = self.rules.size
        with pytest.raises(VerificationError):
            self.rules.add(data.draw(st.sampled_from(self.history.leaves)))
        assert self.rules.size == before

    @invariant()
    def catch_up(self):
        for leaf in self.history.leaves[self.rules.size :]:
            self.rules.add(leaf)
        assert self.rules.anchors.digest() == self.history.anchors.digest()


HonestServer.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestHonestServer = HonestServer.TestCase


def test_a_stop_order_appears_once_and_is_kept():
    history, rules = a_log()
    envelope, _ = history.stop(a_stop(), KEY)
    rules.add(stop_leaf(envelope))
    assert rules.stops == {a_stop().id: a_stop()}
    again = a_stop(reason=StopReason.LEGAL).signed(KEY)
    for twice in (envelope, again):
        with pytest.raises(VerificationError, match="stop order is there twice"):
            rules.add(stop_leaf(twice))


def test_a_stop_order_that_the_server_did_not_sign_breaks_the_log():
    _, rules = a_log()
    with pytest.raises(VerificationError, match="malformed"):
        rules.add(stop_leaf(a_stop().signed(signing_key(9))))


def test_a_stop_changes_nothing_of_what_contracts_must_name():
    history, rules = a_log()
    history.stop(a_stop(), KEY)
    rules.add(history.leaves[-1])
    rules.add(contract_leaf(dsse.sign(history.ask(SECOND).to_bytes(), PAYLOAD_TYPE, KEY)))
    assert rules.size == len(history.leaves)
