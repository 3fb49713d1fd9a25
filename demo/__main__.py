"""``make demo``: from a key press to a better shared model, on one machine, in a few minutes.

Everything is done by Deskbound's own commands, as three employees, an ML engineer and an auditor
would type them. This file tells the story; each act is a function.
"""

import json
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console

from demo.acts import Stage, capture_live, fill_vaults, learn_together, set_up
from demo.commands import CommandFailedError
from demo.desktop import DesktopError
from demo.outcome import look_back
from demo.report import write_report

OUT = Path("demo-out")


def main() -> int:
    """Run the demo and return its exit code."""
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(mode=0o700)
    console.print(
        "\n[bold]Deskbound[/]: three laptops learn together, and no work data leaves any of them.\n"
        "[dim]Profile [bold]research[/]: a large privacy budget and a cohort of three, so that "
        "something can be learned in minutes. Not for deployment.[/]\n"
    )
    try:
        with ExitStack() as ending:
            stage = Stage(OUT.absolute(), console, ending)
            set_up(stage)
            capture_live(stage)
            fill_vaults(stage)
            learn_together(stage)
            summary = look_back(stage)
    except KeyboardInterrupt:
        console.print("\nInterrupted. All processes of the demo have ended.")
        return 130
    except (CommandFailedError, DesktopError) as error:
        console.print(f"[bold red]The demo stopped.[/]\n{error}", markup=True)
        return 1
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    write_report(summary, OUT / "report.html")
    minutes = (time.monotonic() - started) / 60
    console.print(f"\nDone in {minutes:.1f} minutes. The report, with pictures:")
    console.print(f"  [bold]{(OUT / 'report.html').absolute()}[/]", soft_wrap=True)
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
