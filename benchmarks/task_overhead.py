"""What a warm task costs this laptop beyond training: from claim to answer, in one process.

    .venv/bin/python benchmarks/task_overhead.py

Everything is real (vault, ledger with FULL commits, budget, codec, signatures) except the
SuperNode: the request is handed over in memory. The first task is left out; its answer is warm
for the second. Prints the time outside ``train`` and how it compares with training itself.
"""

import statistics
import tempfile
import time
from pathlib import Path

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.config import Config
from deskbound_client.federation.client_app import respond
from deskbound_client.federation.laptop import VaultLaptop
from deskbound_client.federation.participant import Silence
from deskbound_client.federation.private_flwr import TaskInput
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.vault import Vault
from deskbound_strategies.pointer import pointer_fab
from deskbound_strategies.policy import PROFILES
from tests.client.federation.test_participant import KEY, asked, request
from tests.helpers.federation import PASSPHRASE, new_desk

ROUNDS = 8


class Timed(VaultLaptop):
    """A laptop that notes how long training takes."""

    trained = 0.0

    def train(self, accepted, units):  # type: ignore[no-untyped-def]
        """Train, and note how long it took."""
        begun = time.perf_counter()
        try:
            return super().train(accepted, units)
        finally:
            self.trained = time.perf_counter() - begun


def main() -> None:
    torch.set_num_threads(1)
    assert isinstance(KEY, Ed25519PrivateKey)
    overhead, training = [], []
    with tempfile.TemporaryDirectory() as folder:
        desk = new_desk(Path(folder) / "desk", days=7)
        keystore = choose_keystore(desk.paths.home, lambda: PASSPHRASE)
        with Vault.open(desk.paths.home, keystore) as vault:
            laptop = Timed(desk.paths, vault, Config(), PROFILES["research"], KEY.public_key())
            now = int(time.time())
            for number in range(1, ROUNDS + 1):
                terms = asked(issued=now - 1, deadline=now + 600, round=number, steps=5)
                task = TaskInput("flwr-clientapp", "train", pointer_fab(), request(terms))
                begun = time.perf_counter()
                outcome = respond(task, laptop)
                took = time.perf_counter() - begun
                assert not isinstance(outcome, Silence)
                overhead.append(took - laptop.trained)
                training.append(laptop.trained)
    beyond, trained = statistics.median(overhead[1:]), statistics.median(training[1:])
    print(f"beyond training  median {beyond:.3f} s, worst {max(overhead[1:]):.3f} s (goal 0.5 s)")
    print(f"training         median {trained:.3f} s for 5 steps")
    print(f"ratio            {beyond / trained:.2f}")


if __name__ == "__main__":
    main()
