"""Runs every benchmark, or those named, one after the other: ``python -m benchmarks [NAME ...]``.

Each script measures its two sides in one run and prints their ratio, since absolute times say more
about the machine than about the code.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run benchmarks by name, all of them when none is named; return how many failed."""
    known = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.stem[0] != "_"}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no benchmark {unknown[0]}. Choose from {', '.join(known)}.")
        return 2
    failed = 0
    for name in names or known:
        print(f"\n=== {name} ===", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]  # so that they find tests/helpers
        failed += subprocess.run(command, cwd=HERE.parent, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
