"""Renders the declared signals as the page ``docs/data-inventory.md``."""

from deskbound_client.capture.signals import SIGNALS, Signal

_HEAD = """# Data inventory

<!-- Made by `make docs` from client/deskbound_client/capture/signals.py: edit that file. -->

All that may ever be kept of what a person does, by the stream they may agree to. Every stream is
off until it is agreed to, alone; agreement names the version below, and a new version is off again.
What is kept lies in the encrypted day files of one laptop and never leaves it.

| Stream | In a few words | Tells about | Kept for | Version |
|---|---|---|---|---|
"""

_FOOT = """
## With every row
- The wall clock in whole seconds, the seconds since the laptop was started, a random number of
  that start, and whether the row was captured, generated or imported.
- Holes of five seconds and more in what was captured, with a cause from a closed list. Times in
  which capture was paused, not agreed to, or an excluded application was active are not holes and
  are not recorded.

## Looked at in memory, never kept
- The name of the active program (`WM_CLASS`), to find its category and whether it is excluded.
  This is needed even where `windows` is off, because a gate that does not know stays closed.
- Which keys are down, to tell a press from a repeat; forgotten when the gate closes.
- How long keyboard and pointer have been untouched, and whether the screen is locked.
"""


def render_inventory(signals: tuple[Signal, ...] = SIGNALS) -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(map(_row, signals)) + "".join(map(_section, signals)) + _FOOT


def _row(signal: Signal) -> str:
    kept = f"{signal.retention_days} days" if signal.retention_days else "nothing is stored"
    return (
        f"| `{signal.name}` | {signal.title} | {signal.sensitivity.value} | {kept}"
        f" | {signal.version} |\n"
    )


def _section(signal: Signal) -> str:
    kept = "".join(f"- {one}\n" for one in signal.kept)
    never = "; ".join(signal.never_kept)
    return (
        f"\n## `{signal.name}`: {signal.title[0].lower()}{signal.title[1:]}\n{signal.purpose}\n\n"
        f"Kept:\n{kept}\nNever kept: {never}.\n"
    )
