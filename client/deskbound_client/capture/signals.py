"""Every stream that may be kept of what a person does, declared once.

Consent screens, receipts and ``docs/data-inventory.md`` are made from this table. A signal whose
version is raised counts as not consented to until the employee agrees anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

RETENTION_DAYS = 7
UPDATES_NAME = "updates"  # taking part in rounds; the one consent that a policy floor belongs to


class Sensitivity(StrEnum):
    """How much a stream tells about a person, from least to most."""

    INTERACTION = "interaction"  # how a program is used, without what is in it
    BEHAVIOUR = "behaviour"  # how a person works; could tell people apart
    DISPLAY = "display"  # a likeness of what was visible, too coarse to read


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing a person may agree to, alone.

    Attributes:
        name: the word used in commands and receipts.
        bit: its bit in the control file's mask of streams.
        title: a few words for a heading.
        purpose: why it is wanted, one sentence.
        kept: exactly what a day file holds because of it.
        never_kept: what is seen on the way and dropped inside the callback.
        sensitivity: how much it tells.
        retention_days: days after which its key is destroyed; 0 for what is never stored.
        version: raised whenever any other field changes in meaning.
    """

    name: str
    bit: int
    title: str
    purpose: str
    kept: tuple[str, ...]
    never_kept: tuple[str, ...]
    sensitivity: Sensitivity
    retention_days: int
    version: int


SIGNALS = (
    Signal(
        name="keys",
        bit=1 << 0,
        title="Kinds of keys",
        purpose="To learn which step follows which: typing, a command key, a shortcut.",
        kept=(
            "a typing burst as letters, digits or mixed, with its length in six bins",
            "single command keys from a list of 32 (enter, tab, arrows, F-keys, ...)",
            "shortcuts from a closed list of about 100 (ctrl+c, alt+tab, ...)",
        ),
        never_kept=("characters", "words", "key codes", "the time between two keystrokes"),
        sensitivity=Sensitivity.INTERACTION,
        retention_days=RETENTION_DAYS,
        version=1,
    ),
    Signal(
        name="pointer",
        bit=1 << 1,
        title="Clicks, drags and scrolling",
        purpose="To learn where on the screen the next step happens.",
        kept=(
            "clicks and drags with one of 8 x 6 screen cells",
            "the position inside the active window in sixteenths",
            "the direction of a scroll gesture",
        ),
        never_kept=("the path of the pointer", "exact positions", "what was clicked on"),
        sensitivity=Sensitivity.INTERACTION,
        retention_days=RETENTION_DAYS,
        version=1,
    ),
    Signal(
        name="windows",
        bit=1 << 2,
        title="Category of the active application",
        purpose="To learn how work moves between kinds of programs.",
        kept=(
            "one of 40 published categories (browser, mail, editor, ...)",
            "for an unknown program a number that means something on this laptop only",
        ),
        never_kept=("window titles", "addresses", "document names", "names of programs"),
        sensitivity=Sensitivity.BEHAVIOUR,
        retention_days=RETENTION_DAYS,
        version=1,
    ),
    Signal(
        name="screen",
        bit=1 << 3,
        title="Tiny grey pictures of the active window",
        purpose="To learn how the layout of a window relates to the next step.",
        kept=(
            "64 x 36 cells of 16 grey levels for a whole monitor, at most one in ten seconds",
            "only the active window; the rest of the monitor is black",
        ),
        never_kept=("the picture it was made from", "colours", "other windows"),
        sensitivity=Sensitivity.DISPLAY,
        retention_days=RETENTION_DAYS,
        version=1,
    ),
    Signal(
        name="rhythm",
        bit=1 << 4,
        title="Coarse pauses between steps",
        purpose="To tell a quick routine from a thought.",
        kept=("the pause before each action in eight bins between 0.25 and 60 seconds",),
        never_kept=("times finer than a second", "typing speed inside a burst"),
        sensitivity=Sensitivity.BEHAVIOUR,
        retention_days=RETENTION_DAYS,
        version=1,
    ),
    Signal(
        name=UPDATES_NAME,
        bit=1 << 5,
        title="Taking part in rounds",
        purpose=(
            "To let this laptop answer round contracts with a noised update of a model, as far as"
            " the policy floor that is shown with this allows."
        ),
        kept=("nothing in day files; the ledger keeps what was reserved and sent",),
        never_kept=("anything else that could leave this laptop",),
        sensitivity=Sensitivity.INTERACTION,
        retention_days=0,
        version=2,
    ),
)

_BY_NAME = {signal.name: signal for signal in SIGNALS}
KEYS, POINTER, WINDOWS, SCREEN, RHYTHM, UPDATES = (signal.bit for signal in SIGNALS)
STREAMS = tuple(signal for signal in SIGNALS if signal.retention_days)


def signal_named(name: str) -> Signal:
    """Return the signal of that name.

    Raises:
        KeyError: no signal has that name.
    """
    return _BY_NAME[name]


def mask_of(names: Iterable[str]) -> int:
    """Return the mask of the named signals, as ``Control.set_streams`` takes it.

    Raises:
        KeyError: no signal has one of the names.
    """
    mask = 0
    for name in names:
        mask |= _BY_NAME[name].bit
    return mask
