"""What a warm task costs this laptop beyond training: from claim to answer, in one process.

    .venv/bin/python -m benchmarks.task_overhead

Everything is real (vault, ledger with FULL commits, budget, codec, signatures, a log that grows)
except the SuperNode: the request is handed over in memory. The first task is left out; its answer
is warm for the second. Prints the time outside ``train`` and how it compares with training itself.
"""

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from deskbound_client.config import Config
from deskbound_client.federation.client_app import respond
from deskbound_client.federation.join import Server
from deskbound_client.federation.laptop import VaultLaptop
from deskbound_client.federation.participant import Silence
from deskbound_client.federation.private_flwr import TaskInput
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.vault import Vault
from deskbound_strategies import wire
from deskbound_strategies.log_entries import Receipt, receipt_leaf
from deskbound_strategies.pointer import pointer_fab
from tests.client.federation.test_participant import KEY, WEIGHTS, asked
from tests.helpers.federation import PASSPHRASE, new_desk
from tests.helpers.log import MemoryLog

ROUNDS = 8


class Timed(VaultLaptop):
    """A laptop that notes how long training takes."""

    trained = 0.0

    def train(self, accepted, units):
        """Train, and note how long it took."""
        begun = time.perf_counter()
        try:
            return super().train(accepted, units)
        finally:
            self.trained = time.perf_counter() - begun


def main() -> None:
    torch.set_num_threads(1)
    overhead, training, log = [], [], MemoryLog()
    server = Server("localhost:1", "", KEY.public_key(), log.verifier, "overhead")
    with tempfile.TemporaryDirectory() as folder:
        desk = new_desk(Path(folder) / "desk", days=7)
        keystore = choose_keystore(desk.paths.home, lambda: PASSPHRASE)
        with Vault.open(desk.paths.home, keystore) as vault:
            laptop = Timed(desk.paths, vault, Config(), server)
            now = int(time.time())
            for number in range(1, ROUNDS + 1):
                terms = asked(issued=now - 1, deadline=now + 600, round=number, steps=5)
                seen = range(1, log.tree.size + 1)
                contract, index = log.sign(replace(terms, anchors=log.anchors.digest()), KEY)
                proof = log.prove(index, laptop.anchor, older=seen)
                request = wire.contract_message(contract, proof, WEIGHTS)
                task = TaskInput("flwr-clientapp", "train", pointer_fab(), request)
                begun = time.perf_counter()
                outcome = respond(task, laptop)
                took = time.perf_counter() - begun
                assert not isinstance(outcome, Silence), outcome
                reply = wire.parse_reply(outcome)
                assert isinstance(reply, wire.Reply), reply
                log.append(receipt_leaf(reply.receipt))
                log.anchors.put(Receipt.open(reply.receipt).anchor)
                overhead.append(took - laptop.trained)
                training.append(laptop.trained)
    beyond, trained = statistics.median(overhead[1:]), statistics.median(training[1:])
    print(f"beyond training  median {beyond:.3f} s, worst {max(overhead[1:]):.3f} s (goal 0.5 s)")
    print(f"training         median {trained:.3f} s for 5 steps")
    print(f"ratio            {beyond / trained:.2f}")


if __name__ == "__main__":
    main()
