"""A report for people: one page that needs nothing else, and lines for a terminal."""

from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup, escape
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

TEMPLATE = "report.html.j2"
QUARTILES = ("least", "lower_quarter", "median", "upper_quarter", "largest")
_MARKS = {True: ("✓", "bold green"), False: ("✗", "bold red"), None: ("?", "dim")}


def as_page(found: dict[str, Any]) -> str:
    """Return the page of a report's facts."""
    from deskbound_audit.report import pictures  # noqa: PLC0415 - matplotlib takes a second

    environment = Environment(
        loader=PackageLoader("deskbound_audit", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "counted": counted, "marked": marked}
    day, part, refused = found["per_day"], found["participation"], found["refusals"]
    return environment.get_template(TEMPLATE).render(
        found=found,
        quartiles=QUARTILES,
        days_picture=day and pictures.days(day),
        rounds_picture=part["rounds"] and pictures.rounds(part),
        refusals_picture=refused["codes"] and pictures.refusals(refused),
    )


def figure(value: float | None) -> str:
    """Return an epsilon for people: two digits, or the sign that there is no bound."""
    return "∞" if value is None else f"{value:.2f}"


def counted(count: int) -> str:
    """Return a count with commas."""
    return f"{count:,}"


def marked(text: str) -> Markup:
    """Return a text with what stands between backticks as code."""
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(parts)
    )


def as_lines(found: dict[str, Any]) -> RenderableType:
    """Return the checks and the few figures that matter, for a terminal of 80 columns."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for one in found["checks"]:
        sign, style = _MARKS[one["passed"]]
        table.add_row(Text(sign, style=style), Text(one["what"]))
        table.add_row("", Text(one["words"], style="dim"))
    return Group(table, Text(), *(Text(line) for line in _figures(found)))


def _figures(found: dict[str, Any]) -> list[str]:
    day, person, sent = found["per_day"], found["per_person"], found["sent"]
    if day is None:
        return ["No round has charged any day of data."]
    dearest, composed = day["dearest"], person["composed"]
    one, two = figure(dearest["epsilon_prv"]), figure(dearest["epsilon_dp_accounting"])
    refused = found["refusals"]["total"]
    unit, delta = " or ".join(day["units"]), day["delta"]
    return [
        f"ε {figure(dearest['epsilon_filter'])}, one {unit} of the dearest day, δ {delta:g}",
        f"  composed: {one} Opacus, {two} dp-accounting",
        f"ε {figure(composed['largest'])}, one {unit} of each charged day, δ {delta:g}",
        f"{sent['uploads']:,} updates left, {sent['bytes']:,} bytes; {refused:,} requests refused",
    ]
