"""How long an auditor waits for a ledger: every byte verified, every figure computed anew.

    python -m benchmarks.verify_ledger [ENTRIES]

Writes a ledger of signed entries (half reserves, half releases; signing a million takes minutes),
then verifies it by the head's signature and the chain, and with every entry's own
signature, beside merely parsing each line as JSON. Prints processor seconds, and what they come to
for a million entries.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from deskbound_audit.verify import verify_file
from deskbound_strategies.ledger import LedgerEntry, append, export
from deskbound_strategies.ledger_bodies import LedgerKind
from tests.helpers.agreement import AT, a_body, a_chain, signing_key

ENTRIES = 100_000
BLOCKS, ROUNDS_A_BLOCK = 6, 10
KEY = signing_key()


def entries(count: int) -> Iterator[LedgerEntry]:
    """Yield a ledger in which every block is charged by a few rounds."""
    (last,) = a_chain()
    yield last
    reserve, release = a_body(LedgerKind.RESERVE), a_body(LedgerKind.RELEASE)
    for number in range(1, count):
        name = f"{(number + 1) // 2:064x}"
        if number % 2:
            first = number // (2 * ROUNDS_A_BLOCK)
            blocks = [f"{first + later:032x}" for later in range(BLOCKS)]
            body = reserve | {"round": number, "contract": name, "blocks": blocks}
            last = append(last, LedgerKind.RESERVE, body, KEY, at=AT)
        else:
            body = release | {"contract": name, "reserve": last.seq}
            last = append(last, LedgerKind.RELEASE, body, KEY, at=AT)
        yield last


def seconds(action: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    start = time.process_time()
    action()
    return time.process_time() - start


def parsed(path: Path) -> None:
    """Parse every line and look at nothing."""
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def accepted(path: Path, *, every_signature: bool) -> None:
    """Verify, and stop the benchmark when it does not."""
    verdict = verify_file(path, every_signature=every_signature)
    if not verdict.accepted:
        raise SystemExit(verdict.problem)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        with path.open("wb") as file:
            signing = seconds(lambda: file.writelines(export(entries(count), KEY)))
        small = Path(folder) / "small.jsonl"
        small.write_bytes(b"".join(export(entries(100), KEY)))
        accepted(small, every_signature=True)  # loads the accountants, once
        taken = {
            "json.loads of every line": seconds(lambda: parsed(path)),
            "verify": seconds(lambda: accepted(path, every_signature=False)),
            "verify --every-signature": seconds(lambda: accepted(path, every_signature=True)),
        }
        size = path.stat().st_size
    print(f"{count:,} entries, {size / 1e6:,.0f} MB, signed in {signing:.0f} s")
    for name, one in taken.items():
        print(f"{name:26} {one:7.1f} s   {one / count * 1e6:6.1f} s for a million entries")


if __name__ == "__main__":
    main()
