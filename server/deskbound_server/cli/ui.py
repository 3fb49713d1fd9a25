"""``deskbound-server ui``: the pages, on this machine, and the tokens that open them."""

import time
import webbrowser
from dataclasses import asdict
from typing import Annotated

import typer

from deskbound_server.cli.common import (
    AsJson,
    console,
    first_by_default,
    home_of,
    open_database,
    print_json,
    table_of,
)
from deskbound_server.ui.tokens import Role, TokenBook
from deskbound_server.words import moment

PORT = 8484

pages = typer.Typer(
    cls=first_by_default("serve"),
    help="Show the pages in a browser, and say who may see them. 'serve' may be left out.",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(pages, name="ui")


@pages.command("serve")
def serve_pages(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any.")] = PORT,
    browser: Annotated[
        bool, typer.Option(help="Open the browser; --no-browser only says how.")
    ] = True,
) -> None:
    """Show runs, models and the fleet's counts until Ctrl-C; never a laptop or a person.

    Only this machine is answered. The code in the terminal opens the pages once, as operator.

    Example: deskbound-server ui serve --port 8484
    """
    # Late: the other commands need no web server.
    from deskbound_server.ui.figures import warm  # noqa: PLC0415
    from deskbound_server.ui.office import Office  # noqa: PLC0415
    from deskbound_server.ui.serve import HOST, letter_of, serve  # noqa: PLC0415
    from deskbound_strategies.pages.serving import authority_of, listening  # noqa: PLC0415

    home = home_of(context)
    with open_database(home):  # brings an older one up to date; the pages only read
        pass
    with listening(port, HOST) as listener:
        with console.status("Loading the accountants"):
            warm()
        office = Office(home, authority_of(listener))
        letter = letter_of(office)
        opened = browser and webbrowser.open(letter.path.as_uri())
        console.print(f"The pages are at [bold]http://{office.authority}[/]; they open once with")
        console.print(f"the code [bold]{office.keys.code}[/]")
        if not opened:
            console.print(f"or with the file {letter.path} (for a minute).", markup=False)
        console.print("Others come in with a token: deskbound-server ui token. Ctrl-C ends it.")
        serve(office, listener, letter)


@pages.command("token")
def new_token(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="What it opens.")],
    label: Annotated[str, typer.Option(help="Your own mark; no person's name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token and show it, this once: viewer (pages), operator (and stop), metrics.

    Example: deskbound-server ui token --role metrics --label prometheus
    """
    made, secret = _book(context).add(role, label, time.time())
    if as_json:
        print_json({"id": made.id, "role": made.role.value, "label": label, "token": secret})
        return
    console.print(f"Token [bold]{made.id}[/] of the role {made.role.value}. It is shown this once:")
    console.print(secret, markup=False)


@pages.command("tokens")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tokens that open the pages: id, role, label, since when; never themselves.

    Example: deskbound-server ui tokens
    """
    found = _book(context).all()
    if as_json:
        print_json([{k: v for k, v in asdict(one).items() if k != "hash"} for one in found])
        return
    if not found:
        console.print("There is no token. Next: [bold]deskbound-server ui token --role viewer[/].")
        return
    table = table_of("id", "role", "label", "made (UTC)")
    for one in found:
        table.add_row(one.id, one.role.value, one.label, moment(one.created))
    console.print(table)


@pages.command("revoke")
def revoke_token(
    context: typer.Context,
    token: Annotated[str, typer.Argument(help="Id of a token, or the beginning of it.")],
) -> None:
    """Take a token away, for good; pages that it opened close with their next request.

    Example: deskbound-server ui revoke 3f2a91bc
    """
    gone = _book(context).revoke(token)
    console.print(f"Token [bold]{gone.id}[/] of the role {gone.role.value} opens nothing any more.")


def _book(context: typer.Context) -> TokenBook:
    home = home_of(context)
    home.check()
    return TokenBook(home)
