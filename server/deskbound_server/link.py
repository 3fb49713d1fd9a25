"""Flower's SuperLink with our gate in front: ``python -m deskbound_server.link <arguments>``.

Flower builds its web application inside the process that serves it and asks an extension module for
middleware, outermost first. That question is answered here.
"""

import functools
import os
from pathlib import Path

import uvicorn
from flwr.superlink import extensions
from flwr.superlink.cli.flower_superlink import flower_superlink
from starlette.middleware import Middleware

from deskbound_server.control import check_flwr
from deskbound_server.gate import Gate
from deskbound_server.home import TOKEN_FILE_VARIABLE, find_home
from deskbound_server.log_service import LogService
from deskbound_server.recall import RECALL, Recall


def main() -> None:
    """Install the gate, then be the SuperLink."""
    check_flwr()
    token = Path(os.environ[TOKEN_FILE_VARIABLE]).read_text("ascii")
    home = find_home(None)
    log, recall = LogService(home).app, Recall(home.run / RECALL)

    def gate_first() -> tuple[Middleware, ...]:
        return (Middleware(Gate, token=token, log=log, recall=recall),)

    extensions.get_middleware = gate_first
    # Laptops keep their connections open; without a limit "down" would wait for all of them.
    uvicorn.run = functools.partial(uvicorn.run, timeout_graceful_shutdown=1)
    flower_superlink()


if __name__ == "__main__":
    main()
