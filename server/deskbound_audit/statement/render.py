"""Facts and texts become one Markdown document."""

import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

TO_FILL_IN = "*to be filled in by the controller*"


def render(found: dict[str, Any], mark: str = "") -> str:
    """Return the statement as Markdown.

    Args:
        found: what ``facts`` returned; a name that a text needs and that is missing is an error.
        mark: a line that says where the document comes from, e.g. that it is an example.
    """
    environment = Environment(
        loader=PackageLoader("deskbound_audit.statement", "texts"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown; what people wrote goes through _cell
        keep_trailing_newline=True,
    )
    about = found["about"]

    def say(key: str, otherwise: str = TO_FILL_IN) -> str:
        return _cell(about[key]) if key in about else otherwise

    text = environment.get_template("statement.md.j2").render(
        **found, mark=mark, say=say, n=number, e=epsilon, pc=percent, promise=promise,
        refused=refused, one=1, units=" or ".join(f"*{unit}*" for unit in found["floor"]["units"]),
    )  # fmt: skip
    return text.rstrip() + "\n"


def number(value: float) -> str:
    """Return a setting as it was written."""
    return f"{value:g}"


def epsilon(value: float | None) -> str:
    """Return an epsilon, rounded up to two places: a bound must not shrink in print."""
    return "no bound" if value is None else f"{math.ceil(round(value * 100, 6)) / 100:.2f}"


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.0f} %"


def promise(row: dict[str, Any]) -> str:
    """Return the cells epsilon and delta of a composed bound, or that there is none."""
    if not row["promises"]:
        return "no bound | 1"
    return f"{epsilon(row['epsilon'])} | {row['delta']:.2g}"


def refused(codes: dict[str, int]) -> str:
    """Return how often what was refused."""
    return ", ".join(f"{count} {code}" for code, count in codes.items()) or "0"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
