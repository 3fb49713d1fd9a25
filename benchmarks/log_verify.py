"""How long an auditor takes for a whole log, and what it costs to be shown garbage instead.

    python -m benchmarks.log_verify [--leaves 100000] [--laptops 1000]

Writes a log as ``deskbound-server log export`` does: rounds that all laptops answer, each receipt
signed by its laptop. Then a process of its own does what ``deskbound-audit verify`` does: it checks
every signature, every rule and the root; and the same with a quorum, which takes a witness's word
for the receipts' signatures. Compared with as many bare Ed25519 checks on one core.

Then what a hostile server may send: a proof of 128 KiB, the first line of an export and an export
of 64 MB that are all trouble; time and memory until each is refused.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from deskbound_audit.log import verify_log
from deskbound_strategies import dsse, log_export
from deskbound_strategies.anchors import Anchor, AnchorMap
from deskbound_strategies.checkpoint import Checkpoint
from deskbound_strategies.contract import PAYLOAD_TYPE
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.log_entries import (
    ReleasedModel,
    contract_leaf,
    model_leaf,
    receipt_leaf,
)
from deskbound_strategies.merkle import Frontier
from deskbound_strategies.note import cosign
from tests.helpers.agreement import a_contract, signing_key
from tests.helpers.log import LOG_KEY, ORIGIN, MemoryLog, Pen, witness
from tests.helpers.parsers import PARSERS

KEY = signing_key()
GOAL_SECONDS, GOAL_LEAVES = 60.0, 1_000_000


def receipts(seeds: range, contract: str, number: int) -> list[bytes]:
    """The leaves of some laptops' receipts."""
    return [receipt_leaf(Pen(seed).receipt(contract, count=number)) for seed in seeds]


def leaves(wanted: int, laptops: int) -> Iterator[bytes]:
    """Rounds that all laptops answer, until there are as many leaves as wanted."""
    anchors, names, model, number, written = AnchorMap(), {}, "ab" * 32, 0, 0
    for seed in range(laptops):
        names[seed] = Pen(seed).anchor
    parts = [range(begin, min(begin + 100, laptops)) for begin in range(0, laptops, 100)]
    with ProcessPoolExecutor() as pool:
        while written < wanted:
            number += 1
            contract = a_contract(round=number, model_hash=model, anchors=anchors.digest())
            digest, model = contract.digest(), f"{number:064x}"
            yield contract_leaf(dsse.sign(contract.to_bytes(), PAYLOAD_TYPE, KEY))
            asked = [pool.submit(receipts, part, digest, number) for part in parts]
            for part in asked:
                yield from part.result()
            for name in names.values():
                anchors.put(Anchor(name, number, f"{number:064x}"))
            yield model_leaf(ReleasedModel(digest, contract.run, number, model, laptops))
            written += laptops + 2


def write(path: Path, wanted: int, laptops: int) -> int:
    """Write the export; returns its number of leaves."""
    tree, verifier = Frontier(), MemoryLog().verifier
    with path.open("wb") as stream:
        lines = log_export.export([], verifier, KEY.public_key(), b"")
        stream.write(next(iter(lines)))
        for leaf in leaves(wanted, laptops):
            tree.append(leaf)
            stream.write(leaf + b"\n")
        head = Checkpoint(ORIGIN, tree.size, tree.root()).signed(LOG_KEY)
        line = cosign(head.text, witness(0)[1].name, witness(0)[0], 1_000)
        *_, last = log_export.export(
            [], verifier, KEY.public_key(), head.with_signatures([line]).to_bytes()
        )
        stream.write(last)
    return tree.size


def verify_in_a_process(path: Path, *more: str) -> dict[str, float]:
    """Verify an export as the auditor does; returns seconds and bytes."""
    words = [sys.executable, "-m", "benchmarks.log_verify", "--child", str(path), *more]
    done = subprocess.run(words, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def child(path: Path, *, quorum: bool) -> None:
    begun = time.perf_counter()
    witnesses = (witness(0)[1],)
    verdict = verify_log(
        path,
        log=MemoryLog().verifier,
        witnesses=witnesses,
        quorum=1,
        every_signature=not quorum,
    )
    assert verdict.accepted, verdict.error
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = sum(one.ru_utime + one.ru_stime for one in (own, others))
    peak = {"peak": own.ru_maxrss * 1024, "helper": others.ru_maxrss * 1024}
    print(json.dumps({"wall": time.perf_counter() - begun, "cpu": spent} | peak))


def bare_signature(repeats: int = 5_000) -> float:
    """Processor seconds that one Ed25519 check takes, the least of several tries."""
    key, text = KEY.public_key(), b"x" * 300
    signature, best = KEY.sign(text), 1.0
    for _ in range(5):
        begun = time.process_time()
        for _ in range(repeats // 5):
            key.verify(signature, text)
        best = min(best, (time.process_time() - begun) / (repeats // 5))
    return best


def garbage() -> None:
    """What is shown to a laptop or an auditor that is no proof or log."""
    megabytes = 64 * 1024 * 1024
    header = next(iter(log_export.export([], MemoryLog().verifier, KEY.public_key(), b"")))
    proof = PARSERS["proof"]

    def export_of(data: bytes) -> Callable[[], object]:
        return lambda: log_export.verify_export(data)

    shown: dict[str, Callable[[], object]] = {
        "proof of 128 KiB, all empty lists": lambda: proof.takes(b"[" + b"[]," * 43_689 + b"0]"),
        "proof of 128 KiB, all floats": lambda: proof.takes(b"[" + b"0.1," * 32_766 + b"0]"),
        "export of 64 MB, one line": export_of(b"[" * megabytes),
        "export of 64 MB, newlines alone": export_of(header + b"\n" * megabytes),
        "export of 64 MB, one leaf without end": export_of(
            header + b'{"model":' + b"0" * megabytes
        ),
    }
    for name, act in shown.items():
        tracemalloc.start()
        begun = time.process_time()
        with suppress(DeskboundError):
            act()
        spent, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"  {name:40} {spent * 1e3:8.1f} ms {peak / 1e6:8.2f} MB")


def rebuilt_map(laptops: int) -> float:
    """Processor seconds for a contract's map of so many laptops after one more receipt."""
    anchors = AnchorMap(Anchor(f"{seed:064x}", 1, "0" * 64) for seed in range(laptops))
    anchors.digest()
    anchors.put(replace(anchors.entries()[0], count=2))
    begun = time.process_time()
    anchors.digest()
    return time.process_time() - begun


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--laptops", type=int, default=1_000)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quorum", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, quorum=chosen.quorum)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        size = write(path, chosen.leaves, chosen.laptops)
        megabytes = path.stat().st_size / 1e6
        found, quick = verify_in_a_process(path), verify_in_a_process(path, "--quorum")
    bare = bare_signature()
    goal = GOAL_SECONDS * size / GOAL_LEAVES
    print(f"log of {size:,} leaves, {chosen.laptops:,} laptops, {megabytes:.0f} MB")
    print(f"  verified in {found['wall']:.1f} s on {os.cpu_count()} cores; goal {goal:.1f} s")
    each = found["cpu"] / size
    print(f"  processor time {found['cpu']:.1f} s, {each * 1e6:.0f} us a leaf: {each / bare:.1f} x")
    print(f"  receipts left to witnesses: {quick['wall']:.1f} s, processor {quick['cpu']:.1f} s")
    print(f"  a bare Ed25519 check, {bare * 1e6:.0f} us")
    print(
        f"  memory {found['peak'] / 1e6:.0f} MB, each helper {found['helper'] / 1e6:.0f} MB at most"
    )
    for laptops in (1_000, 10_000, 100_000):
        print(
            f"  map of {laptops:7,} laptops anew: {rebuilt_map(laptops) * 1e3:6.1f} ms a contract"
        )
    print("shown garbage, until it is refused")
    garbage()
    return int(found["wall"] > goal)


if __name__ == "__main__":
    sys.exit(main())
