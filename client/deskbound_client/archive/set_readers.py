"""Four published sets of activity, each read into what capture would have seen.

A reader yields moments: naive local time in milliseconds and an observation, or the name of a sort
of thing that has no word here. Text in a set (a command's name, a cell's value) is looked at for
its classes of characters and dropped with its line. The mapping is in docs/archive-format.md.
"""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from deskbound_client.archive import parquet
from deskbound_strategies.errors import NotFoundError, VerificationError
from deskbound_strategies.observations import (
    AppFocused,
    CharacterClass,
    KeyPressed,
    Observation,
    PointerPressed,
    PointerReleased,
    Scrolled,
)
from deskbound_strategies.vocabulary import APPS, KEYS, SHORTCUTS

Moment = tuple[int, Observation | str]
Reader = Callable[[Path, int], Iterator[Moment]]
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - sets tell the time on a wall

_IDE = {
    "Edit.Copy": "ctrl+c", "Edit.Paste": "ctrl+v", "Edit.Cut": "ctrl+x", "Edit.Undo": "ctrl+z",
    "Edit.Redo": "ctrl+y", "Edit.SelectAll": "ctrl+a", "Edit.Find": "ctrl+f", "Edit.FindNext": "f3",
    "Edit.Replace": "ctrl+h", "Edit.FindinFiles": "ctrl+shift+f", "Edit.BreakLine": "enter",
    "Edit.InsertTab": "tab", "Edit.Delete": "delete", "Edit.LineDown": "down", "Edit.LineUp": "up",
    "Edit.LineStart": "home", "Edit.LineEnd": "end", "Edit.PageDown": "page-down",
    "Edit.PageUp": "page-up", "Edit.LineDownExtend": "shift+arrow",
    "Edit.LineUpExtend": "shift+arrow", "Edit.DocumentStart": "ctrl+home",
    "Edit.DocumentEnd": "ctrl+end", "Edit.SelectionCancel": "escape",
    "Edit.CompleteWord": "ctrl+space", "Edit.GoToDefinition": "f12", "Edit.GoTo": "ctrl+g",
    "Debug.Start": "f5", "Debug.StepOver": "f10", "Debug.StepInto": "f11",
    "Debug.StepOut": "shift+function", "Debug.StopDebugging": "shift+function",
    "Debug.ToggleBreakpoint": "f9", "Build.BuildSolution": "ctrl+shift+other",
    "View.NavigateBackward": "ctrl+minus", "Window.NextDocumentWindowNav": "ctrl+tab",
    "Window.CloseDocumentWindow": "ctrl+function",
}  # fmt: skip
# What the program did, or what may have been a key, the mouse or the program.
_NO_DEED = frozenset({
    "View.OnChangeCaretLine", "View.OnChangeScrollInfo", "View.VisualStudioBgOrFg", "View.File",
    "Debug.Debug Run Mode", "Debug.Debug Break Mode", "Debug.DebugType", "Debug.Enter Design Mode",
    "Build.BuildDone", "Build.BuildBegin", "TSqlEditorDatabaseCombo", "Debug.StartDebugTarget",
})  # fmt: skip
_UI_LOG = {"copy": "ctrl+c", "paste": "ctrl+v", "createNewTab": "ctrl+t"}
_UI_APPS = {"Excel": "spreadsheet", "Chrome": "browser"}
_PYNPUT = {
    "page_up": "page-up", "page_down": "page-down", "esc": "escape", "caps_lock": "",
    "media_volume_up": "volume", "media_volume_down": "volume", "media_volume_mute": "volume",
}  # fmt: skip
_MODIFIERS = {"ctrl": "ctrl", "cmd": "ctrl", "shift": "shift", "alt": "alt", "option": "alt"}


def abb_ide(folder: Path, person: int) -> Iterator[Moment]:
    """Yield the commands of one developer; needs pyarrow."""
    parquet.check_installed()
    from pyarrow import parquet as pq  # noqa: PLC0415 - slow, and seldom there

    users = [row["user"] for row in _table(folder / "users.csv")]
    words = {int(row["action"]): _command(row["message"]) for row in _table(folder / "actions.csv")}
    wanted = [("user", "=", int(_nth(users, person)))]
    found = pq.read_table(_there(folder / "events.parquet"), filters=wanted)
    first = True
    for t, number in zip(found["t"].to_pylist(), found["action"].to_pylist(), strict=True):
        at = _ms(t)
        if first:
            yield at, AppFocused(at, APPS.index("editor"))
            first = False
        word = words[number]
        yield at, _pressed(at, word) if word else "events that tell of no key, click or command"


def cyber_shell(folder: Path, person: int) -> Iterator[Moment]:
    """Yield one trainee's commands: so many characters of these classes, then enter."""
    rows = list(_table(folder / "commands.csv"))
    users = list(dict.fromkeys(row["user"] for row in rows))
    wanted, first = _nth(users, person), True
    for row in rows:
        if row["user"] != wanted:
            continue
        at = _ms(datetime.fromisoformat(row["t"]))
        if first:
            yield at, AppFocused(at, APPS.index("terminal"))
            first = False
        yield from _typed(at, row["name"])
        yield at, KeyPressed(at, "enter", "key")


def ui_log_leno(path: Path, person: int) -> Iterator[Moment]:
    """Yield the routines of one log: 1 student records, 2 reimbursement."""
    file = path
    if path.is_dir():
        file = path / _nth(["StudentRecord.csv", "Reimbursement.csv"], person)
    front = ""
    for row in _table(file):
        at = _ms(datetime.fromisoformat(row["timeStamp"]))
        app = _UI_APPS.get(row["targetApp"], front)
        if app and app != front:
            yield at, AppFocused(at, APPS.index(app))
            front = app
        if row["eventType"] == "editField":
            yield from _typed(at, row["target.value"] or "")
        elif row["eventType"] in _UI_LOG:
            yield at, KeyPressed(at, _UI_LOG[row["eventType"]], "shortcut")
        else:
            yield at, "clicks without a place"


def ducktrack(folder: Path, person: int) -> Iterator[Moment]:
    """Yield one recording of raw input."""
    _nth(["the only one"], person)
    about = json.loads(_there(folder / "metadata.json").read_text(encoding="utf-8"))
    start, width, height = (about[n] for n in ("start_time", "screen_width", "screen_height"))
    began, zero, held = _ms(datetime.fromisoformat(start)), None, set[str]()
    with _there(folder / "events.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            zero = event["time_stamp"] if zero is None else zero
            at = began + int((event["time_stamp"] - zero) * 1_000)
            match event["action"]:
                case "click":
                    sort = PointerPressed if event["pressed"] else PointerReleased
                    place = event["x"] / width, event["y"] / height
                    yield at, sort(at, event["button"], *place)
                case "scroll" if event["dy"]:
                    yield at, Scrolled(at, "up" if event["dy"] > 0 else "down")
                case "press" | "release":
                    yield from _key(at, event["name"], held, down=event["action"] == "press")
                case _:
                    yield at, "moves of the pointer"


READERS: dict[str, Reader] = {
    "abb_ide": abb_ide,
    "cyber_shell": cyber_shell,
    "ui_log_leno": ui_log_leno,
    "ducktrack": ducktrack,
}


def _command(message: str) -> str:
    return "" if message in _NO_DEED else _IDE.get(message, "other")


def _pressed(at: int, word: str) -> KeyPressed:
    return KeyPressed(at, word, "key" if word in KEYS else "shortcut")


def _typed(at: int, text: str) -> Iterator[Moment]:
    for character in text:
        yield at, KeyPressed(at, _class(character), "character")


def _class(character: str) -> CharacterClass:
    if character.isalpha():
        return "letter"
    return "digit" if character.isdigit() else "symbol"


def _key(at: int, name: str, held: set[str], *, down: bool) -> Iterator[Moment]:
    modifier = _MODIFIERS.get(name.partition("_")[0])
    if modifier is not None:
        (held.add if down else held.discard)(modifier)
        return
    if not down:
        return
    word = _PYNPUT.get(name, name)
    if held - {"shift"}:
        chord = "+".join([m for m in ("ctrl", "alt", "shift") if m in held])
        together = f"{chord}+{word.lower()}"
        yield at, KeyPressed(at, together if together in SHORTCUTS else "other", "shortcut")
    elif len(word) == 1:
        yield at, KeyPressed(at, _class(word), "character")
    elif word in KEYS:
        yield at, KeyPressed(at, word, "key")
    else:
        yield at, "keys without a word"


def _table(path: Path) -> Iterator[dict[str, Any]]:
    with _there(path).open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise NotFoundError(
            f"There is no {path.name} in {path.parent.name}.", "Name the folder of the set."
        )
    return path


def _nth(found: list[str], number: int) -> str:
    if not 1 <= number <= len(found):
        raise NotFoundError(
            f"This set has no person {number}.", f"Choose --person 1 to {len(found)}."
        )
    return found[number - 1]


def _ms(when: datetime) -> int:
    """Return the wall's time in milliseconds, whatever zone it hung in."""
    return int((when.replace(tzinfo=None) - _EPOCH).total_seconds() * 1_000)


def not_the_set(name: str) -> VerificationError:
    """Return the error that says so, quoting nothing."""
    return VerificationError(
        f"These are not the files of {name}.", "Name the folder as it was published."
    )
