"""The one Flower bundle a laptop accepts: it names installed modules and carries no code.

Flower hands every laptop a bundle (FAB) chosen by the server and would unpack it, put it first on
``sys.path`` and import from it. Deskbound compares its bytes with the bundle pinned here and uses
nothing of it. Looking inside a foreign bundle to judge it harmless would be a parser for a hostile
file; equality is not.

The bundle can be rebuilt byte for byte because Flower 1.41 stores entries uncompressed under a
fixed date. ``server/fab/pyproject.toml`` is its readable source; a test keeps both equal.
"""

import hashlib
import hmac
import io
import zipfile

from deskbound_strategies.errors import Refusal, RefusalCode

FAB_ID = "deskbound/deskbound"
FAB_VERSION = "1.0.0"

# SHA-256 of the bundle; it changes only when the pointer does, in a release of client and server.
POINTER_SHA256 = "a131af71520c796f8d052b0d924ea62035676c39f9853766ee6bceab5cdd7bc7"

# What Flower makes of server/fab/pyproject.toml: parsed and written anew, comments gone.
_POINTER_TOML = b"""\
[project]
name = "deskbound"
version = "1.0.0"
description = "Names the installed Deskbound apps; carries no code."
dependencies = []

[project.license]
text = "Apache-2.0"

[tool.flwr.app]
publisher = "deskbound"
fab-include = [
    "/pyproject.toml",
]

[tool.flwr.app.components]
serverapp = "deskbound_server.server_app:app"
clientapp = "deskbound_client.federation.client_app:app"

[tool.flwr.app.config]
run = ""
"""

_FAB_DATE = (2024, 10, 1, 0, 0, 0)
_UNIX = 3


def pointer_fab() -> bytes:
    """Return the pointer bundle, byte for byte what ``flwr build`` makes of ``server/fab``.

    So a server that was installed as a wheel, without the repository, can start runs.
    """
    digest = hashlib.sha256(_POINTER_TOML).hexdigest()
    manifest = f"pyproject.toml,{digest},{8 * len(_POINTER_TOML)}".encode("ascii")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in (("pyproject.toml", _POINTER_TOML), (".info/CONTENT", manifest)):
            entry = zipfile.ZipInfo(name, _FAB_DATE)
            entry.create_system = _UNIX  # else the bytes depend on who builds them
            bundle.writestr(entry, content)
    return buffer.getvalue()


def check_pointer(bundle: bytes) -> None:
    """Check that a bundle is the pinned pointer, by its bytes and not by any hash it came with.

    Raises:
        Refusal: ``bundle-unknown`` for every other bundle, unread.
    """
    if not hmac.compare_digest(hashlib.sha256(bundle).hexdigest(), POINTER_SHA256):
        raise Refusal(RefusalCode.BUNDLE_UNKNOWN)
