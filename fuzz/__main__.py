"""Sends a reader of foreign bytes what reaches new lines of it, until it breaks or time is up.

    python -m fuzz NAME [--seconds 120] [--megabytes 256]

NAME is one of the readers in ``tests/helpers/parsers.py``. The seeds are made there too; whatever
more is found on the way is thrown away in the end. Breaking is: another error than a refusal, bytes
taken that nobody wrote, more memory than was allowed, or ten seconds for one message.

Needs atheris (``pip install -r tools/fuzz-requirements.txt``).
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["deskbound_strategies", "json"]):
    from tests.helpers.parsers import PARSERS


def main() -> None:
    """Fuzz one reader; does not return."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("name", choices=sorted(PARSERS))
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--megabytes", type=int, default=256, help="beyond what the imports take")
    chosen = parser.parse_args()
    target = PARSERS[chosen.name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        bound_memory(chosen.megabytes)
        options = [
            f"-max_total_time={chosen.seconds}",
            f"-max_len={min(target.most, 16 * 1024)}",
            "-timeout=10",
            "-rss_limit_mb=0",  # bounded above, harder
            "-print_final_stats=1",
            f"-artifact_prefix=fuzz-{chosen.name}-",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], target.takes)
        atheris.Fuzz()


def bound_memory(megabytes: int) -> None:
    """Let this process have so much more than it has now; beyond is a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
