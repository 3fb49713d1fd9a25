"""Does the server's memory grow with the cohort? Peak of a round with few and with many replies.

Each round runs in a fresh process through the real strategy, wire, admission and mean. Laptops'
replies are composed when they are pulled, as the SuperLink would hand them over. For comparison the
same replies are kept in a list, as Flower's own strategies do.

    python benchmarks/aggregation_memory.py [--few 10] [--many 200] [--megabytes 2.5] [--json]
                                            [--aggregation plain|median|trimmed-mean-20]
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Message
from flwr.supercore.task_identity import TaskIdentity

from deskbound_server.admission import Admission
from deskbound_server.receipts import Receipts
from deskbound_strategies.codec import Layout, TensorSpec, encode
from deskbound_strategies.combining import aggregator_for
from deskbound_strategies.contract import PLAIN, ROBUST, RoundContract
from deskbound_strategies.dp_fedavg import Clock, DpFedAvg
from deskbound_strategies.log_entries import Receipt, anchor_of
from deskbound_strategies.wire import contract_message, reply_content

CONTRACT = RoundContract(
    run="0" * 32, round=1, task="next_action", profile="research", vocabulary_hash="a" * 64,
    model_hash="b" * 64, anchors="c" * 64, unit="session", unit_seconds=600,
    unit_actions=256, sampling_rate=0.1,
    noise_multiplier=1.0, clip=1.0, steps=1, divisor=8.0, local_optimizer="sgd",
    learning_rate=0.1, aggregation="plain", minimum_cohort=2, issued=1, deadline=1000,
    client_version_min="0.1.0", client_version_below="0.2.0",
)  # fmt: skip


def _key(node: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(node.to_bytes(32))


def _public(node: int) -> str:
    return _key(node).public_key().public_bytes_raw().hex()


class LazyGrid:
    """Laptops that all answer at once, each with an update of its own."""

    def __init__(self, layout: Layout, kept: list[Message] | None) -> None:
        TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 1
        self._layout, self._kept = layout, kept
        self._asked: dict[str, Message] = {}
        self._rng = np.random.default_rng(0)

    def get_node_ids(self) -> Iterable[int]:
        """Nobody has to be found: the cohort is given."""
        return []

    def push_messages(self, messages: Iterable[Message]) -> Iterator[str]:
        """Take messages and name them after their laptop."""
        for message in messages:
            name = f"{message.metadata.dst_node_id}"
            message.metadata.__dict__["_message_id"] = name
            self._asked[name] = message
            yield name

    def pull_messages(self, message_ids: Iterable[str]) -> Iterator[Message]:
        """Compose the replies to these messages now."""
        for name in message_ids:
            update = {spec.name: self._rng.random(spec.shape, np.float32) for spec in self._layout}
            node = int(name)
            receipt = Receipt(_public(node), CONTRACT.digest(), 1, "0" * 64).signed(_key(node))
            content = reply_content(
                CONTRACT.digest(), "0.1.0", encode(update, self._layout), receipt
            )
            reply = Message(content, reply_to=self._asked[name])
            if self._kept is not None:
                self._kept.append(reply)
            yield reply


def one_round(replies: int, megabytes: float, aggregation: str, *, keep: bool) -> int:
    """Carry out one round and return this process's peak memory in bytes."""
    layout = (TensorSpec("w", (int(megabytes * 1e6 / 4),)),)
    grid = LazyGrid(layout, [] if keep else None)
    nodes = range(1, replies + 1)
    anchors = {node: anchor_of(bytes.fromhex(_public(node))) for node in nodes}
    receipts = Receipts(CONTRACT.digest(), anchors, {})
    admission = Admission(CONTRACT, layout, 1e9, receipts)
    strategy = DpFedAvg(
        grid, admission, max_update_bytes=admission.max_update_bytes, clock=Clock(lambda: 1.0)
    )
    with closing(aggregator_for(replace(CONTRACT, aggregation=aggregation), layout)) as aggregator:
        outcome = strategy.run_round(
            CONTRACT, lambda _: contract_message(b"{}", b"{}", b"weights"), nodes, aggregator
        )
    assert outcome.admitted == replies
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(replies: int, megabytes: float, aggregation: str, *, keep: bool) -> int:
    """Carry out one round in a fresh process."""
    words = [sys.executable, __file__, "--child", str(replies), "--megabytes", str(megabytes)]
    words += ["--aggregation", aggregation]
    done = subprocess.run([*words, *(["--keep"] if keep else [])], capture_output=True, check=True)
    return int(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=200)
    parser.add_argument("--megabytes", type=float, default=2.5)
    parser.add_argument("--aggregation", choices=(PLAIN, *ROBUST), default="plain", metavar="NAME")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(one_round(chosen.child, chosen.megabytes, chosen.aggregation, keep=chosen.keep))
        return
    few = measured(chosen.few, chosen.megabytes, chosen.aggregation, keep=False)
    many = measured(chosen.many, chosen.megabytes, chosen.aggregation, keep=False)
    kept = measured(chosen.many, chosen.megabytes, chosen.aggregation, keep=True)
    result = {"ratio": many / few, "ratio_when_replies_are_kept": kept / few}
    if chosen.json:
        print(json.dumps(result | {"few_bytes": few, "many_bytes": many, "kept_bytes": kept}))
        return
    print(f"peak memory, {chosen.many} against {chosen.few} replies of {chosen.megabytes} MB")
    print(f"  one reply resident at a time: {result['ratio']:.2f} x")
    print(f"  all replies kept:             {result['ratio_when_replies_are_kept']:.2f} x")


if __name__ == "__main__":
    main()
