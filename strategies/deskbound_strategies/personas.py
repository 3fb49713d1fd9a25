"""Who the activity generator pretends to be: routines that offices share, and three people.

A routine is a small grammar in words of the published vocabulary, so it can be read and checked:

    @mail              go to that application, by the person's own habit, unless already there
    letters:3-20       type between 3 and 20 characters of a class (letters, digits, mixed)
    click:list         click (also double, right-click, drag) on a named place, see ``PLACES``
    scroll-down:2-6    turn the wheel by that many notches (also scroll-up, scroll-sideways)
    ctrl+c, enter      a shortcut or a key
    word?              the word, half of the time

Nothing here is recorded from anyone. The three personas share most routines, as colleagues do,
and differ in how often they use them, in how they change windows and in pace.
"""

from dataclasses import dataclass

# Where things are on the screen, in fractions of its width and height.
PLACES: dict[str, tuple[float, float]] = {
    "taskbar": (0.30, 0.97),
    "tabs": (0.30, 0.05),
    "address": (0.45, 0.08),
    "toolbar": (0.20, 0.14),
    "list": (0.19, 0.40),
    "body": (0.55, 0.42),
    "field": (0.56, 0.60),
    "form": (0.80, 0.42),
    "send": (0.80, 0.72),
    "side": (0.94, 0.42),
    "grid": (0.45, 0.60),
    "menu": (0.06, 0.08),
}


@dataclass(frozen=True, slots=True)
class Routine:
    """One habit: an opening, a part done a few times over, and an ending.

    Attributes:
        opening: words done once at the start.
        lap: words done ``laps`` times.
        laps: fewest and most laps.
        ending: words done once at the end.
    """

    opening: str
    lap: str = ""
    laps: tuple[int, int] = (0, 0)
    ending: str = ""


ROUTINES: dict[str, Routine] = {
    "search the web": Routine(
        "@browser ctrl+t letters:6-28 enter",
        "scroll-down:2-7 scroll-up:1-3? click:body",
        (1, 3),
        "ctrl+w?",
    ),
    "read a page": Routine("@browser", "scroll-down:3-9 page-down?", (2, 5), "alt+left"),
    "reply to mail": Routine(
        "@mail click:list scroll-down:1-4? ctrl+r",
        "letters:12-60 enter",
        (2, 4),
        "ctrl+enter",
    ),
    "sort mail": Routine("@mail click:list", "delete down enter?", (2, 6)),
    "answer a chat": Routine("@chat click:list?", "letters:4-40 enter", (1, 4)),
    "copy into the sheet": Routine(
        "@browser", "drag:body ctrl+c @spreadsheet click:grid ctrl+v enter @browser", (2, 5)
    ),
    "fill in rows": Routine(
        "@spreadsheet click:grid",
        "letters:4-14 tab digits:2-3 tab digits:4-7 tab right? digits:2-3 enter",
        (2, 6),
        "ctrl+s",
    ),
    "write a formula": Routine(
        "@spreadsheet double:grid mixed:8-24 enter",
        "ctrl+c ctrl+shift+arrow ctrl+v",
        (1, 2),
        "ctrl+s",
    ),
    "make a chart": Routine(
        "@spreadsheet drag:grid right-click:grid click:side", "click:side", (1, 2), "ctrl+s"
    ),
    "edit code": Routine(
        "@editor ctrl+p letters:4-12 enter",
        "mixed:8-45 enter tab? mixed:6-30 end enter",
        (2, 5),
        "ctrl+s",
    ),
    "find in code": Routine(
        "@editor ctrl+f letters:4-12 enter", "enter scroll-down:1-3?", (1, 3), "escape"
    ),
    "run the tests": Routine(
        "@terminal up enter", "scroll-up:2-6 scroll-down:1-4?", (1, 2), "@editor"
    ),
    "use the shell": Routine("@terminal", "mixed:6-30 tab? enter up?", (2, 5)),
    "review a change": Routine(
        "@browser click:tabs", "scroll-down:3-8 click:body letters:10-50 ctrl+enter", (1, 3)
    ),
    "work a ticket": Routine(
        "@ticketing click:list scroll-down:1-4",
        "click:form letters:10-55 tab enter",
        (1, 2),
        "click:send",
    ),
    "look up a customer": Routine(
        "@crm ctrl+f letters:5-16 enter click:list",
        "scroll-down:1-3 drag:body ctrl+c",
        (1, 1),
        "@ticketing click:field ctrl+v",
    ),
    "send a template": Routine(
        "@ticketing click:list click:toolbar",
        "down",
        (1, 4),
        "enter letters:4-14 click:send",
    ),
    "take notes": Routine("@notes", "letters:10-45 enter", (1, 3), "ctrl+s?"),
    "check the calendar": Routine("@calendar click:body", "alt+right", (1, 2), "escape"),
    "fix a typo": Routine("letters:3-18", "backspace", (2, 4), "letters:2-6"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A made-up person.

    Attributes:
        name: how the persona is called in commands and reports.
        about: one line for the reader.
        routines: how often each of ``ROUTINES`` is begun, relative to the others.
        keyboard_switching: share of window changes made with alt+tab, not on the taskbar.
        key_ms: typical milliseconds between two keystrokes.
        think_ms: typical milliseconds between two steps of a routine.
        slips: chance after each step of a slip (a typo, a stray scroll or click).
        starts: hour of day at which work begins.
    """

    name: str
    about: str
    routines: dict[str, float]
    keyboard_switching: float
    key_ms: int
    think_ms: int
    slips: float
    starts: float


PERSONAS: dict[str, Persona] = {
    persona.name: persona
    for persona in (
        Persona(
            name="analyst",
            about="spreadsheets, mail and the web",
            routines={
                "fill in rows": 5, "copy into the sheet": 4, "write a formula": 3,
                "make a chart": 2, "reply to mail": 3, "sort mail": 2, "search the web": 2,
                "read a page": 1, "answer a chat": 2, "take notes": 1, "check the calendar": 1,
                "fix a typo": 1,
            },
            keyboard_switching=0.4, key_ms=170, think_ms=1_300, slips=0.05, starts=8.4,
        ),
        Persona(
            name="developer",
            about="an editor, a terminal and the web",
            routines={
                "edit code": 6, "find in code": 3, "run the tests": 4, "use the shell": 4,
                "review a change": 2, "search the web": 3, "read a page": 2, "answer a chat": 3,
                "reply to mail": 1, "take notes": 1, "check the calendar": 0.5, "fix a typo": 1,
            },
            keyboard_switching=0.85, key_ms=120, think_ms=1_000, slips=0.06, starts=9.2,
        ),
        Persona(
            name="support",
            about="tickets, a customer database and chat",
            routines={
                "work a ticket": 6, "look up a customer": 4, "send a template": 3,
                "answer a chat": 5, "search the web": 2, "reply to mail": 3, "sort mail": 1,
                "copy into the sheet": 1, "fill in rows": 1, "take notes": 2, "fix a typo": 1,
            },
            keyboard_switching=0.25, key_ms=150, think_ms=1_100, slips=0.05, starts=8.0,
        ),
    )
}  # fmt: skip
