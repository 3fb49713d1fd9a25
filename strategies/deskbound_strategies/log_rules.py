"""What a log must keep to, leaf by leaf: a witness cosigns, and an auditor accepts, nothing else.

- A contract is signed by the server's contract key, appears once, and names the map of anchors as
  the log has it at that point. The releases it names are in the log before it.
- All contracts of one round of a run name one model: everybody gets the same. From the second
  round on it is the one that the round before released.
- A receipt is signed by its anchor, answers a contract of this log, is the anchor's only one for
  it, and has a count that no other receipt of the anchor has. Runs side by side end in any order,
  and so do their receipts; the map of anchors keeps the largest count.
- A model belongs to a contract of this log, is the round's only one, and counts no more replies
  than there are receipts, and no fewer than the contract's minimum cohort.
- A release is signed by the reviewer it names, and a signed manifest appears once.
- A stop order is signed by the server's contract key, and its id appears once.

Pure: a state and one leaf make the next state, or an error that says which rule was broken.
"""

from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_strategies.anchors import AnchorMap
from deskbound_strategies.contract import RoundContract
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import (
    LogEntry,
    LoggedContract,
    LoggedRelease,
    LoggedStop,
    Receipt,
    ReleasedModel,
    read_leaf,
)
from deskbound_strategies.stop_order import StopOrder

_MEND = "Do not cosign; ask the operator, and tell the laptops' owners."


@dataclass(slots=True)
class LogRules:
    """The state of a log that has kept to the rules so far.

    Attributes:
        contract_key: whose contracts it holds.
        size: leaves seen.
        anchors: the latest receipt of each laptop.
        contracts: every contract by its digest.
        asked: the one model of each (run, round) that laptops were asked to train.
        released: the model that each (run, round) released.
        receipts: anchors that answered each contract.
        counts: the counts of each anchor's receipts.
        releases: every signed manifest by its name in contracts.
        stops: every stop order by its id.
    """

    contract_key: Ed25519PublicKey
    size: int = 0
    anchors: AnchorMap = field(default_factory=AnchorMap)
    contracts: dict[str, RoundContract] = field(default_factory=dict)
    asked: dict[tuple[str, int], str] = field(default_factory=dict)
    released: dict[tuple[str, int], str] = field(default_factory=dict)
    receipts: dict[str, set[str]] = field(default_factory=dict)
    counts: dict[str, set[int]] = field(default_factory=dict)
    releases: dict[str, LoggedRelease] = field(default_factory=dict)
    stops: dict[str, StopOrder] = field(default_factory=dict)

    def add(self, data: bytes) -> LogEntry:
        """Take the next leaf; the state is unchanged when a rule is broken.

        Raises:
            VerificationError: naming the leaf and what is wrong with it.
        """
        try:
            entry = read_leaf(data, self.contract_key)
        except VerificationError as error:
            raise self.named(error) from None
        self.apply(entry)
        return entry

    def apply(self, entry: LogEntry) -> None:
        """Take what the next leaf says, as ``read_leaf`` read it; see ``add``.

        Raises:
            VerificationError: naming the leaf and the rule it breaks.
        """
        try:
            match entry:
                case LoggedContract():
                    self._contract(entry.contract)
                case Receipt():
                    self._receipt(entry)
                case ReleasedModel():
                    self._model(entry)
                case LoggedRelease():
                    self._release(entry)
                case LoggedStop():
                    self._stop(entry.order)
        except VerificationError as error:
            raise self.named(error) from None
        self.size += 1

    def named(self, error: VerificationError) -> VerificationError:
        """Return an error about the next leaf, with the leaf's number."""
        return VerificationError(f"Leaf {self.size}: {error.sentence}", error.mend)

    def takes(self, receipt: Receipt) -> bool:
        """Return whether a receipt may be the next leaf."""
        try:
            self._check_receipt(receipt)
        except VerificationError:
            return False
        return True

    def _contract(self, contract: RoundContract) -> None:
        digest, place = contract.digest(), (contract.run, contract.round)
        if digest in self.contracts:
            raise _broken("a contract is there twice.")
        if contract.anchors != self.anchors.digest():
            raise _broken("a contract names another map of receipts than the log has.")
        if not self.releases.keys() >= set(contract.named_releases):
            raise _broken("a contract names a release that is not in the log.")
        if self.asked.get(place, contract.model_hash) != contract.model_hash:
            raise _broken("one round asks laptops to train two different models.")
        before = self.released.get((contract.run, contract.round - 1))
        if contract.round > 1 and before != contract.model_hash:
            raise _broken("a round does not go on from what the round before released.")
        if place in self.released:
            raise _broken("a round is asked for again that was released already.")
        self.contracts[digest] = contract
        self.asked[place] = contract.model_hash
        self.receipts[digest] = set()

    def _check_receipt(self, receipt: Receipt) -> None:
        entry, answered = receipt.anchor, self.receipts.get(receipt.contract)
        if answered is None:
            raise _broken("a receipt answers a contract that is not in the log.")
        if entry.anchor in answered:
            raise _broken("a laptop has two receipts for one contract.")
        if entry.count in self.counts.get(entry.anchor, ()):
            raise _broken("two receipts of a laptop have one count.")

    def _receipt(self, receipt: Receipt) -> None:
        self._check_receipt(receipt)
        entry = receipt.anchor
        last = self.anchors.get(entry.anchor)
        # One string for each anchor, not one for each of its receipts: a third of the memory.
        anchor = entry.anchor if last is None else last.anchor
        self.receipts[receipt.contract].add(anchor)
        self.counts.setdefault(anchor, set()).add(entry.count)
        if last is None or entry.count > last.count:
            self.anchors.put(replace(entry, anchor=anchor))

    def _model(self, model: ReleasedModel) -> None:
        contract, place = self.contracts.get(model.contract), (model.run, model.round)
        if contract is None or (contract.run, contract.round) != place:
            raise _broken("a model belongs to no contract of the log.")
        if place in self.released:
            raise _broken("a round released two models.")
        receipts = len(self.receipts[model.contract])
        if not contract.minimum_cohort <= model.admitted <= receipts:
            raise _broken("a model counts more replies than there are receipts, or too few.")
        self.released[place] = model.model

    def _release(self, release: LoggedRelease) -> None:
        if release.manifest in self.releases:
            raise _broken("a signed manifest is there twice.")
        self.releases[release.manifest] = release

    def _stop(self, order: StopOrder) -> None:
        if order.id in self.stops:
            raise _broken("a stop order is there twice.")
        self.stops[order.id] = order


def _broken(what: str) -> VerificationError:
    return VerificationError(what, _MEND)
