"""Serves the pages on one loopback address until they are ended."""

import asyncio
import socket

from deskbound_server.home import ServerHome, write_private
from deskbound_server.ui.app import make_app
from deskbound_server.ui.office import Office
from deskbound_strategies.pages.letter import Letter
from deskbound_strategies.pages.serving import calm_server, serve_while

HOST = "127.0.0.1"  # always the same: Prometheus and tunnels are told it once


def letter_of(office: Office) -> Letter:
    """Write the file that carries the terminal's code into the browser."""
    home: ServerHome = office.home
    return Letter(home.run, write_private, office.authority, office.keys, office.clock)


def serve(office: Office, listener: socket.socket, letter: Letter) -> None:
    """Serve the pages until Ctrl-C, SIGTERM, a terminal that goes away, or the office is ended.

    Args:
        office: whose pages.
        listener: where they are served.
        letter: taken away in time.
    """
    server = calm_server(make_app(office))

    def goes_on() -> bool:
        letter.tidy()
        return not office.ended

    try:
        asyncio.run(serve_while(server, listener, goes_on))
    finally:
        letter.burn()
