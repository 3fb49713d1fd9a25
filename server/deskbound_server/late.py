"""Replies that come after their round was closed: the update counts no more, the receipt does.

A laptop cannot know that its round was closed. It has released an update and paid for it; if the
log never heard of that, the laptop would think that it is being left out, and stop.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from deskbound_server.receipts import Receipts
from deskbound_strategies.dp_fedavg import Grid
from deskbound_strategies.errors import Refusal
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.wire import Reply, parse_reply


@dataclass(slots=True)
class LateReceipts:
    """Messages of closed rounds that may still be answered, and receipts that came so."""

    _waiting: dict[str, tuple[int, Receipts]] = field(default_factory=dict)
    _found: list[bytes] = field(default_factory=list)

    def add(self, outstanding: dict[str, int], receipts: Receipts) -> None:
        """Go on listening for the answers to these messages of a closed round."""
        rest = Receipts(receipts.contract, receipts.anchors, receipts.counts)
        self._waiting |= {one: (node, rest) for one, node in outstanding.items()}

    def collect(self, grid: Grid) -> None:
        """Take what has come by now."""
        for message_id, (node, receipts) in list(self._waiting.items()):
            try:
                replies = list(grid.pull_messages([message_id]))
            except Exception:  # noqa: BLE001 - Flower inflates what a hostile laptop composed
                del self._waiting[message_id]
                continue
            for message in replies:
                self._waiting.pop(message_id, None)
                if message.has_content() and message.metadata.src_node_id == node:
                    self._take(node, message.content, receipts)

    def _take(self, node: int, content: object, receipts: Receipts) -> None:
        with suppress(Refusal):
            reply = parse_reply(content)  # type: ignore[arg-type]
            if isinstance(reply, Reply) and receipts.take(node, reply):
                self._found.append(reply.receipt)

    def leaves(self, rules: LogRules) -> list[bytes]:
        """Return the leaves of what was found, those that the log can take as it is now."""
        leaves: list[bytes] = []
        answered: set[tuple[str, str]] = set()
        counts: set[tuple[str, int]] = set()
        for envelope in self._found:
            receipt = Receipt.open(envelope)
            anchor = receipt.anchor.anchor
            seen = (anchor, receipt.contract) in answered or (anchor, receipt.count) in counts
            if rules.takes(receipt) and not seen:
                answered.add((anchor, receipt.contract))
                counts.add((anchor, receipt.count))
                leaves.append(receipt_leaf(envelope))
        self._found.clear()
        return leaves
