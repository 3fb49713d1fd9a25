"""From the click on pause to the last row that is still stored, over thousands of random pauses.

    python -m benchmarks.pause_latency [--count 10000] [--seed 1]

Capture runs on a private X display while XTEST types about 1,000 events a second; pauses come at
random moments, half of them while events are still on their way, some after long enough for
commits to be under way. Prints how long the last row came after a pause was said, how long the
pause took to return, and what was stored after it returned: that must be nothing.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from demo.desktop import private_desktop
from tests.helpers.pause_storm import storm

LONG_ONE_IN = 40  # keeps 10,000 pauses under ten minutes
GOAL_MS = 10.0


def main() -> int:
    """Run the storm; return 1 when a promise did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.monotonic()
    with private_desktop() as desktop, tempfile.TemporaryDirectory() as folder:
        found = storm(Path(folder), desktop, given.count, seed=given.seed, long_one_in=LONG_ONE_IN)
    print(f"{given.count:,} pauses in {time.monotonic() - start:.0f} s, {found.stored:,} rows")
    show("last row after the pause was said", found.last_row)
    show(f"the same of {len(found.busy):,} said while rows were being committed", found.busy)
    show("the pause returned after", found.call)
    print(
        f"stored after a pause: {found.after}; from before one, later: {found.stale};"
        f" typed while paused: {found.forbidden}"
    )
    if not found.honest:
        print("the account of capture is not what the vault holds")
    late = percentile(found.busy, 99) * 1_000 > GOAL_MS
    return int(bool(found.after or found.stale or found.forbidden or late or not found.honest))


def show(what: str, seconds: list[float]) -> None:
    """Print median, 99th percentile and maximum in milliseconds."""
    if not seconds:
        return
    middle, late, worst = (
        1_000 * value
        for value in (statistics.median(seconds), percentile(seconds, 99), max(seconds))
    )
    print(f"{what}: p50 {middle:.2f} ms, p99 {late:.2f} ms, max {worst:.2f} ms")


def percentile(values: list[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


if __name__ == "__main__":
    sys.exit(main())
