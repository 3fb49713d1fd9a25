"""Serves the pages on a loopback address of their own until they are left, locked or ended."""

import asyncio
import socket

from deskbound_client.store.files import make_private_folder, replace_private
from deskbound_client.ui.app import make_app
from deskbound_client.ui.desk import Desk
from deskbound_strategies.pages.letter import Letter
from deskbound_strategies.pages.peers import OwnUserProtocol
from deskbound_strategies.pages.serving import calm_server, serve_while


def letter_of(desk: Desk) -> Letter:
    """Write the file that carries the desk's code into the browser."""
    make_private_folder(desk.paths.run)
    return Letter(desk.paths.run, replace_private, desk.authority, desk.keys, desk.clock)


def serve(desk: Desk, listener: socket.socket, letter: Letter | None = None) -> None:
    """Serve the pages; when this returns the vault is closed.

    Ends when the employee locks the pages, when nobody asks for anything long enough, when the
    vault is erased, and on Ctrl-C, SIGTERM or a terminal that goes away.

    Args:
        desk: with the open vault.
        listener: where the pages are served.
        letter: taken away in time.
    """
    server = calm_server(make_app(desk), OwnUserProtocol)

    def goes_on() -> bool:
        if letter is not None:
            letter.tidy()
        return not (desk.locked or desk.homeless) and desk.seconds_left > 0

    try:
        # A page that is being made has its time to end; no other begins.
        asyncio.run(serve_while(server, listener, goes_on, ended=desk.lock))
    finally:
        desk.lock()
        if letter is not None:
            letter.burn()
