"""``deskbound policy``: what a server may ask of this laptop at most, and who may change it."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from deskbound_client.cli.session import (
    AsJson,
    console,
    open_vault,
    paths_of,
    print_json,
    somebody_is_there,
)
from deskbound_client.employee import policy
from deskbound_client.employee.bounds import bounds, difference_words
from deskbound_client.employee.words import moment
from deskbound_client.privacy.floor_keeper import PolicyState
from deskbound_client.privacy.floors import Floors, Held
from deskbound_client.privacy.proposal import pin_key, pinned_key, read_policy_key
from deskbound_strategies import dsse
from deskbound_strategies.policy import PolicyFloor, describe

Wishes = Annotated[
    list[str],
    typer.Argument(help="strict, balanced or research, single bounds as name=value, or both."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Show, set or accept the policy floor: what a server may ask at most.",
        no_args_is_help=True,
    )
    group.command()(show)
    group.command(name="set")(set_floor)
    group.command()(accept)
    group.command()(pin)
    app.add_typer(group, name="policy")


def show(context: typer.Context, json: AsJson = False) -> None:
    """Show the floor that holds, its worst case in words, and what floor.toml proposes instead.

    A floor that is looser in any bound waits until you accept it; until then the one that is shown
    first holds.

    Example: deskbound policy show
    """
    with open_vault(context) as vault:
        found = policy.state(paths_of(context), vault)
        history = Floors(vault).history()
        key = pinned_key(vault.settings)
    pinned = dsse.fingerprint(key) if key else None
    if json:
        print_json(_as_dict(found, history, pinned))
        return
    held = found.held
    console.print(f"[bold]In force[/] since {moment(held.at)}, because {policy.why_words(held)}.")
    console.print(describe(held.floor))
    _print_bounds(held.floor)
    if pinned:
        console.print(f"\nOnly a floor.toml signed by the policy key {pinned[:16]} counts here.")
    _print_proposal(found)


def set_floor(context: typer.Context, wishes: Wishes) -> None:
    """Set the floor to a profile, or single bounds of it. A tighter one holds at once.

    A looser one is only written into floor.toml; see what it means and agree to it with
    `deskbound policy accept`.

    Example: deskbound policy set epsilon_day=2 units=day
    """
    with open_vault(context) as vault:
        found = policy.propose(paths_of(context), vault, wishes)
    console.print(f"[bold]In force.[/] {describe(found.held.floor)}")
    _print_proposal(found)


def accept(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Accept without being asked.")] = False,
) -> None:
    """Accept the looser floor that waits, after it was shown in words.

    If you agreed to `updates`, this renews that consent for the new floor; both leave a signed
    record. It counts for the days that are stored already, too.

    Example: deskbound policy accept
    """
    paths = paths_of(context)
    with open_vault(context) as vault:
        found = policy.state(paths, vault)
        if found.waiting is not None:
            _print_proposal(found)
        asked = found.waiting is not None and not yes and somebody_is_there()
        if asked and not typer.confirm("Do you accept it?"):
            console.print("Nothing has changed.")
            return
        digest = found.waiting.digest() if found.waiting else ""
        policy.accept(paths, vault, digest)
    console.print("[bold]In force[/] from now on, without a restart.")


def pin(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="A file with the policy key, or none.")],
) -> None:
    """Let only a floor.toml signed with this key propose a floor, or any with `none`.

    What holds does not change by it.

    Example: deskbound policy pin company-policy.pub
    """
    with open_vault(context) as vault:
        pin_key(vault.settings, None if key == "none" else read_policy_key(Path(key)))
        found = policy.state(paths_of(context), vault)
    said = "Any floor.toml may propose a floor." if key == "none" else "Pinned."
    console.print(said)
    _print_proposal(found)


def _print_bounds(floor: PolicyFloor) -> None:
    for bound in bounds(floor):
        console.print(f"  [bold]{bound.name}[/] {escape(bound.value)}  [dim]{bound.words}[/]")


def _print_proposal(found: PolicyState) -> None:
    trouble = found.proposal.trouble
    if trouble is not None:
        console.print(f"\n[bold yellow]{escape(trouble.sentence)}[/] {escape(trouble.mend)}")
        console.print("What was in force stays in force.")
    if found.waiting is None:
        return
    console.print("\n[bold yellow]A looser floor waits; it is not in force.[/]")
    for one in found.differences:
        console.print(f"  {escape(difference_words(one))}")
    console.print(describe(found.waiting))
    console.print("Accept it with [bold]deskbound policy accept[/], or leave it: nothing changes.")


def _as_dict(found: PolicyState, history: tuple[Held, ...], pinned: str | None) -> dict[str, Any]:
    trouble, waiting = found.proposal.trouble, found.waiting
    return {
        "in_force": _floor(found.held.floor) | {"why": found.held.why, "since": found.held.at},
        "waiting": None if waiting is None else _floor(waiting),
        "differences": [
            {
                "bound": one.name,
                "in_force": found.held.floor.values().get(one.name),
                "waiting": waiting.values().get(one.name) if waiting else None,
                "looser": one.looser,
            }
            for one in found.differences
        ],
        "ignored": None if trouble is None else f"{trouble.sentence} {trouble.mend}".strip(),
        "policy_key": pinned,
        "history": [
            {"number": one.number, "digest": one.floor.digest(), "why": one.why, "since": one.at}
            for one in history
        ],
    }


def _floor(floor: PolicyFloor) -> dict[str, Any]:
    return {"digest": floor.digest(), "words": describe(floor), "bounds": floor.values()}
