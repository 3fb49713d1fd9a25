"""``deskbound exclude``: programs and titles that are never looked at."""

import sys
from typing import Annotated, Any

import typer

from deskbound_client.cli.session import (
    AsJson,
    check_vault,
    console,
    open_vault_to_forget,
    paths_of,
    print_json,
)
from deskbound_client.employee import excluding, forgetting
from deskbound_client.employee.excluding import Kind, Rule
from deskbound_client.employee.forgetting import Wish
from deskbound_client.employee.words import counted

Forget = Annotated[
    bool | None,
    typer.Option("--forget/--keep", help="Whether to forget what is stored of it already."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Programs and titles that are never looked at.", no_args_is_help=True)
    group.command("list")(list_rules)
    group.command("app")(app_rule)
    group.command("title")(title_rule)
    group.command("remove")(remove)
    app.add_typer(group, name="exclude")


def list_rules(context: typer.Context, json: AsJson = False) -> None:
    """Show what is never looked at.

    Example: deskbound exclude list
    """
    rules = excluding.rules(paths_of(context))
    if json:
        print_json([_as_dict(rule) for rule in rules])
        return
    for rule in rules:
        console.print(f"Never looked at: {rule.words}.", markup=False)
    if not rules:
        console.print("You have excluded nothing yet.")
    else:
        console.print("[dim]`deskbound exclude remove app NAME` (or title) takes one back.[/]")
    console.print(
        f"[dim]Always excluded: {len(excluding.always())} kinds of programs that hold secrets "
        "(password keepers, passphrase windows, lock screens), private browser windows, and "
        "password fields wherever they can be told.[/]"
    )


def app_rule(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="A category (chat) or the name of a program ('my-diary*').")
    ],
    forget: Forget = None,
) -> None:
    """Never look at a program, or at a category of programs.

    It holds at once, also for capture that runs. On a terminal it then asks whether to forget what
    is stored of it on past days.

    Example: deskbound exclude app chat
    """
    rule = _exclude(context, "app", name)
    if forget is False:
        return
    with open_vault_to_forget(context) as vault:
        past = excluding.past_of(vault, rule)
        if past.app is None:
            console.print(past.words, markup=False)
            return
        if not forgetting.preview(vault, Wish.of_app(past.app)).days:
            console.print("Nothing is stored of it.")
            return
        console.print(past.words, markup=False)
        if forget is None and _somebody_is_there():
            forget = typer.confirm("Forget that, too?")
        if not forget:
            console.print("[dim]It stays until you forget it or its day retires.[/]")
            return
        gone = forgetting.forget_app(paths_of(context), vault, past.app).gone
    console.print(
        f"Forgotten: {counted(gone.counts.actions, 'action')}, "
        f"{counted(gone.counts.thumbs, 'picture')}."
    )
    for day in gone.damaged:
        console.print(
            f"{day} is damaged and could not be searched: `deskbound forget --day {day}`.",
            style="bold red",
        )


def title_rule(
    context: typer.Context,
    pattern: Annotated[str, typer.Argument(help="A pattern such as '*salary*'.")],
) -> None:
    """Never look at windows whose title matches.

    Titles are compared in memory and never kept, so what was stored of such windows before cannot
    be found by their title. The pattern itself is in config.toml, which only you can read.

    Example: deskbound exclude title '*salary*'
    """
    rule = _exclude(context, "title", pattern)
    if not any(sign in rule.pattern for sign in "*?["):
        console.print(
            "This matches titles that are exactly that; '*word*' matches a part of a title."
        )


def remove(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="app or title.")],
    pattern: Annotated[str, typer.Argument(help="As `deskbound exclude list` shows it.")],
) -> None:
    """Take a rule back.

    Example: deskbound exclude remove app chat
    """
    if kind == "app":
        excluding.remove(paths_of(context), "app", pattern)
    elif kind == "title":
        excluding.remove(paths_of(context), "title", pattern)
    else:
        raise typer.BadParameter("Say app or title.")
    console.print("The rule is gone: what it named may be looked at again.")


def _exclude(context: typer.Context, kind: Kind, pattern: str) -> Rule:
    paths = paths_of(context)
    check_vault(paths)
    rule = excluding.exclude(paths, kind, pattern)
    console.print(f"From now on never looked at: {rule.words}.", markup=False)
    return rule


def _somebody_is_there() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _as_dict(rule: Rule) -> dict[str, Any]:
    return {"kind": rule.kind, "pattern": rule.pattern, "category": rule.category}
