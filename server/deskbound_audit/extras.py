"""What a command needs beyond the auditor's core, and the sentence for when it is missing."""

import importlib.util

from deskbound_strategies.errors import NotFoundError


def need(*packages: str) -> None:
    """Make sure that packages of the extra ``report`` are installed.

    Raises:
        NotFoundError: naming the one that is not.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise NotFoundError(
                f"{package} is not installed here, and this command draws with it.",
                "Install it: pip install 'deskbound-server[report]'.",
            )
