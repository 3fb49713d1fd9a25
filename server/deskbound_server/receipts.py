"""Which receipts come with a round's replies, and which of them the log takes.

A laptop signs a receipt for what it releases. One that does not count on from what the log has of
this laptop comes from an older copy of it, or from a second one: its update does not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deskbound_strategies.errors import VerificationError
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.wire import Reply


@dataclass(slots=True)
class Receipts:
    """Collects the receipts of one contract.

    Attributes:
        contract: its digest.
        anchors: anchor of each laptop.
        counts: releases of each anchor that the log has.
        taken: envelopes of the receipts that the log takes, by anchor.
    """

    contract: str
    anchors: Mapping[int, str]
    counts: Mapping[str, int]
    taken: dict[str, bytes] = field(default_factory=dict)

    def take(self, node: int, reply: Reply) -> bool:
        """Return whether a reply's receipt is good, and keep it if so.

        Args:
            node: the laptop that replied.
            reply: what it sent.
        """
        try:
            receipt = Receipt.open(reply.receipt)
        except VerificationError:
            return False
        entry = receipt.anchor
        answers = receipt.contract == self.contract == reply.contract_digest
        counts_on = entry.count > self.counts.get(entry.anchor, 0)
        good = answers and counts_on and self.anchors.get(node) == entry.anchor
        if good and entry.anchor not in self.taken:
            self.taken[entry.anchor] = reply.receipt
        return good

    def leaves(self, rules: LogRules) -> list[bytes]:
        """Return the leaves to log, in an order that tells nothing of who was first.

        Args:
            rules: the log as it is now. Where another run logged the same count of a laptop in the
                meantime, which only a second copy of it can bring about, that leaf is left out.
        """
        taken = [self.taken[anchor] for anchor in sorted(self.taken)]
        return [receipt_leaf(one) for one in taken if rules.takes(Receipt.open(one))]
