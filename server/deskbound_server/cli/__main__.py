"""``python -m deskbound_server.cli``, how the server starts itself in the background."""

from deskbound_server.cli import main

main()
