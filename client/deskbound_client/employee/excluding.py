"""Excluding programs and titles: what is never looked at, from now on and, if wished, before.

A rule is written to ``config.toml``, and then the control word is raised: capture reads the rules
anew before it believes anything under the new word, and drops what waited under the old one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deskbound_client.capture.categories import ALWAYS_EXCLUDED, CATEGORY_OF
from deskbound_client.capture.private_windows import Family, family_of
from deskbound_client.config import Config, load_config
from deskbound_client.config_edit import change_value
from deskbound_client.employee.forgetting import bump
from deskbound_client.paths import HomePaths
from deskbound_client.store.vault import Vault
from deskbound_strategies.errors import ConfigError, NotFoundError
from deskbound_strategies.vocabulary import APPS

Kind = Literal["app", "title"]
LONGEST = 200
_SETTING: dict[Kind, str] = {"app": "excluded_apps", "title": "excluded_titles"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is never looked at.

    Attributes:
        kind: what is compared, the program or the window's title.
        pattern: as the employee wrote it.
        category: it is the name of a whole category.
    """

    kind: Kind
    pattern: str
    category: bool = False

    @property
    def words(self) -> str:
        """The rule in plain words."""
        if self.category:
            return f"every program of the category {self.pattern.lower()}"
        return f"programs named {self.pattern}" if self.kind == "app" else f"titles {self.pattern}"


@dataclass(frozen=True, slots=True)
class Past:
    """What is stored of a program on past days.

    Attributes:
        app: a category, or the number of a program without one; None where it cannot be found.
        whole: other programs share the category, and their past rows would go as well.
        words: what that means, for a question.
    """

    app: str | int | None
    whole: bool
    words: str


def always() -> tuple[str, ...]:
    """Return the programs that exist to hold secrets: excluded whatever the rules say."""
    return ALWAYS_EXCLUDED


def rules(paths: HomePaths) -> tuple[Rule, ...]:
    """Return the employee's rules."""
    config = load_config(paths.config)
    return tuple(
        Rule(kind, pattern, category=kind == "app" and pattern.strip().lower() in APPS)
        for kind in _SETTING
        for pattern in _patterns(config, kind)
    )


def exclude(paths: HomePaths, kind: Kind, pattern: str) -> Rule:
    """Never look at this from now on; capture that runs follows when this returns.

    Raises:
        ConfigError: the pattern is empty, too long or holds characters that cannot be seen.
    """
    wanted = _checked(pattern)

    def add(config: Config) -> tuple[str, ...]:
        present = _patterns(config, kind)
        known = wanted.lower() in (each.lower() for each in present)
        return present if known else (*present, wanted)

    _change(paths, kind, add)
    return Rule(kind, wanted, category=kind == "app" and wanted.lower() in APPS)


def remove(paths: HomePaths, kind: Kind, pattern: str) -> None:
    """Take a rule back.

    Raises:
        NotFoundError: there is no such rule.
    """

    def take_out(config: Config) -> tuple[str, ...]:
        present = _patterns(config, kind)
        left = tuple(each for each in present if each.strip().lower() != pattern.strip().lower())
        if left == present:
            raise NotFoundError("There is no such rule.", "`deskbound exclude list` shows them.")
        return left

    _change(paths, kind, take_out)


def past_of(vault: Vault, rule: Rule) -> Past:
    """Return what could be forgotten of a newly excluded program.

    What is stored names no program, only its category, or a local number where it has none.
    """
    name = rule.pattern.lower()
    if rule.kind == "title":
        return Past(None, whole=False, words="Titles are never stored, so none can be looked up.")
    if rule.category:
        return Past(name, whole=False, words=f"What is stored of the category {name} can go, too.")
    if any(sign in name for sign in "*?["):
        return Past(
            None,
            whole=False,
            words="What is stored names no program, so a pattern finds none of the past; "
            "`deskbound forget --app` takes a whole category.",
        )
    category = CATEGORY_OF.get(name, "browser" if family_of((name,)) is not Family.NONE else "")
    if category:
        return Past(
            category,
            whole=True,
            words=f"What is stored knows only the category {category}: the past of every program "
            "in it would go.",
        )
    return Past(
        vault.app_bucket(name), whole=False, words="What is stored of this program can go, too."
    )


def _patterns(config: Config, kind: Kind) -> tuple[str, ...]:
    return config.excluded_apps if kind == "app" else config.excluded_titles


def _checked(pattern: str) -> str:
    wanted = pattern.strip()
    if not wanted or len(wanted) > LONGEST or not wanted.isprintable():
        raise ConfigError(
            f"A rule is 1 to {LONGEST} characters that can be seen.",
            "Say a category such as chat, a program such as 'my-diary*', or part of a title such "
            "as '*salary*'.",
        )
    return wanted


def _change(paths: HomePaths, kind: Kind, change: Callable[[Config], tuple[str, ...]]) -> None:
    change_value(paths.config, _SETTING[kind], change)
    bump(paths)  # after the file: nothing of the new generation is judged by the old rules
