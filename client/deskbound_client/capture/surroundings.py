"""What no window tells: the employee's rules and hours, a password field, where the screen is seen.

The rules are read anew at each beat of the watch, after the control word and before the board
learns that word. Whoever changes a rule writes the file first and raises the word then; so nothing
born under the new word is ever judged by the old rules.

Accessibility speaks at any time, also while the watch is looking. What closes counts at once; what
opens counts from the next beat on, for a beat tells up to when all is known.
"""

import copy
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from deskbound_client.capture.attention import Attention
from deskbound_client.capture.gate import Context, worse_of
from deskbound_client.capture.passwords import Listener
from deskbound_client.capture.private_windows import Family
from deskbound_client.capture.remote import ask_logind, is_remote
from deskbound_client.capture.rules import RuleFile, Rules
from deskbound_client.capture.titles import TitleRules
from deskbound_client.capture.windows import Classifier, Look


class Surroundings:
    """Asked by the watch, in its thread.

    Args:
        rules: the file with the employee's rules.
        bucket_of: this laptop's salted number of a program's name.
        attention: what accessibility has told.
        listener: tells it; None where nobody listens.
        now: the local time.
        ask: whether the login manager says that a display is a remote one.
    """

    def __init__(
        self,
        rules: RuleFile,
        bucket_of: Callable[[str], int],
        attention: Attention,
        listener: Listener | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        ask: Callable[[str], bool | None] = ask_logind,
    ) -> None:
        self._file, self._bucket_of = rules, bucket_of
        self._attention, self._listener = attention, listener
        self._told = attention  # as it was at the beginning of this beat
        self._active = 0
        self._now, self._ask = now, ask
        self._remote: bool | None = None
        self._rules: Rules | None = None
        self.refresh()

    @property
    def classifier(self) -> Classifier:
        """What turns names of programs into categories, by the rules in force."""
        return Classifier(self._bucket_of, self._rules.apps if self._rules else ())

    @property
    def titles(self) -> TitleRules:
        """Which titles are excluded, by the rules in force."""
        return TitleRules(self._rules.titles if self._rules else ())

    @property
    def sources(self) -> tuple[Listener, ...]:
        """What becomes readable when there is news."""
        return (self._listener,) if self._listener is not None else ()

    @property
    def asking(self) -> bool:
        """Whether a question is under way whose answer may close the past moments."""
        return self._listener is not None and self._listener.asking

    def begin(self, connection: Any, display: str) -> None:
        """Find out where this display is seen."""
        extensions = frozenset(str(name) for name in connection.list_extensions())
        vendor = str(connection.display.info.vendor)
        self._remote = is_remote(os.environ, display, extensions, vendor, logind=self._ask(display))

    def refresh(self) -> bool:
        """Read rules and news; tell whether other rules hold now."""
        if self._listener is not None:
            self._listener.heard()
        self._told = copy.copy(self._attention)
        rules, before = self._file.read(), self._rules
        self._rules = rules
        return rules is not before

    def moved(self, window: int) -> None:
        """This window is active, or none; only another one than before is news."""
        if window and window != self._active:
            self._active = window
            for one in (self._attention, self._told):
                one.moved(time.monotonic())

    def apply(self, context: Context, look: Look) -> Context:
        """Return the situation with all that is known here."""
        private = look.private
        if look.application is not None and look.application.family is Family.NAMED and not private:
            if self._listener is not None:
                self._listener.name_windows_of(look.pid)
            private = worse_of(*(one.private(look.pid) for one in (self._told, self._attention)))
        now = time.monotonic()
        password = (one.password(look.pid, now) for one in (self._told, self._attention))
        return replace(
            context,
            private=private,
            password=worse_of(*password),
            scheduled=self._rules.schedule.open_at(self._now()) if self._rules else None,
            remote=self._remote,
        )
