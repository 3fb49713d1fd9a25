"""``python -m deskbound_client.employee.measuring``: answers one question in a process of its own.

It is given words of the vocabulary and a model through standard input, and tells figures through
standard output. It has no vault, no key and no network, gives way to other work, and ends
with whoever asked. The passphrase never comes near it.
"""

import base64
import binascii
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from typing import Any

from deskbound_client.employee.model import Guess, Measured, Question, Score, answer
from deskbound_client.federation.guard import forbid_network
from deskbound_client.processes import keep_memory_private
from deskbound_client.worker import die_with_parent
from deskbound_strategies.errors import ConfigError, DeskboundError
from deskbound_strategies.vocabulary import Action

PATIENCE_SECONDS = 300.0
NICE = 10  # behind other work, but not behind all of it: somebody waits for the answer
_FAILED = ConfigError("The model could not be measured.", "Try `deskbound predict` in a terminal.")


class Measuring:
    """One question that a process of its own is working on; it ends with the thread that asked.

    Args:
        question: what to measure.
        threads: that torch may use.
    """

    def __init__(self, question: Question, threads: int = 1) -> None:
        program = [sys.executable, "-P", "-m", __name__, str(os.getpid()), str(threads)]
        self._process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._asked = pack(question)

    def wait(self, patience: float = PATIENCE_SECONDS) -> Measured:
        """Return what was found; it takes seconds.

        Raises:
            ConfigError: when it failed, was stopped or took too long.
        """
        try:
            told, _ = self._process.communicate(self._asked, patience)
            return unpack_answer(told)
        except subprocess.TimeoutExpired:
            self.stop()
            self._process.communicate()
            raise _FAILED from None

    def stop(self) -> None:
        """End it; whoever waits is told that it failed."""
        self._process.kill()


def pack(question: Question) -> bytes:
    """Return a question as bytes for a pipe."""
    fields = {
        "models": [base64.b64encode(model).decode("ascii") for model in question.models],
        "days": {day.isoformat(): _rows(actions) for day, actions in question.days.items()},
        "held_out": question.held_out,
        "today": _rows(question.today),
    }
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def unpack(data: bytes) -> Question:
    """Read what ``pack`` wrote.

    Raises:
        ConfigError: when it is something else.
    """
    try:
        raw = json.loads(data)
        return Question(
            models=tuple(base64.b64decode(model, validate=True) for model in raw["models"]),
            days={date.fromisoformat(day): _actions(rows) for day, rows in raw["days"].items()},
            held_out=int(raw["held_out"]),
            today=_actions(raw["today"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise _FAILED from None


def unpack_answer(data: bytes) -> Measured:
    """Read what a process told.

    Raises:
        ConfigError: what it told was a failure, or nothing.
    """
    try:
        raw = json.loads(data)
        if "failed" in raw:
            sentence, mend = raw["failed"]
            raise ConfigError(str(sentence), str(mend))
        return Measured(
            held_out=tuple(date.fromisoformat(day) for day in raw["held_out"]),
            positions=int(raw["positions"]),
            scores={name: Score(**score) for name, score in raw["scores"].items()},
            models=tuple(Score(**score) for score in raw["models"]),
            after=tuple(raw["after"]),
            next=tuple(Guess(**guess) for guess in raw["next"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _FAILED from None


def as_dict(found: Measured) -> dict[str, Any]:
    """Return what was found as JSON values."""
    return {**asdict(found), "held_out": [day.isoformat() for day in found.held_out]}


def _rows(actions: Any) -> list[list[int]]:
    return [[action.token, action.app, action.gap, action.at] for action in actions]


def _actions(rows: Any) -> list[Action]:
    return [Action(*map(int, row)) for row in rows]


def main() -> int:
    """Answer the question on standard input."""
    import torch  # noqa: PLC0415 - seconds long

    parent, threads = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    keep_memory_private()
    forbid_network()
    os.nice(NICE)
    torch.set_num_threads(threads)
    try:
        told: dict[str, Any] = as_dict(answer(unpack(sys.stdin.buffer.read())))
    except DeskboundError as error:
        told = {"failed": [error.sentence, error.mend]}
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
