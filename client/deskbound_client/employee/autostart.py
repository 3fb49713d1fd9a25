"""Starting at login: an entry of the desktop's own autostart folder, only ever written on request.

What starts is ``deskbound start``: it captures what is agreed to then, and a pause stays a pause.
The desktop asks nobody for a passphrase, so the vault must open by itself.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deskbound_client.config import load_config
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import create_private, translated
from deskbound_client.store.passphrase import SEALED_FILE
from deskbound_strategies.errors import KeystoreError

ENTRY = "deskbound.desktop"
_LIMIT = 64 * 1024
_TEMPLATE = """\
[Desktop Entry]
Type=Application
Name=Deskbound
Comment=Begins what you agreed to; a pause stays a pause. Written by `deskbound autostart on`.
Exec={command}
Terminal=false
NoDisplay=true
"""


@dataclass(frozen=True, slots=True)
class Autostart:
    """Whether Deskbound starts at login.

    Attributes:
        on: there is an entry for this home.
        path: of the entry.
        other_home: the entry there is starts another home.
    """

    on: bool
    path: Path
    other_home: bool = False


def entry_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the desktop looks for what to start (XDG autostart)."""
    given = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(given) if given and Path(given).is_absolute() else Path.home() / ".config"
    return folder / "autostart" / ENTRY


def state(paths: HomePaths, environ: Mapping[str, str] = os.environ) -> Autostart:
    """Return whether this home starts at login."""
    path = entry_path(environ)
    lines = _lines(path)
    if lines is None:
        return Autostart(on=False, path=path)
    return Autostart(
        on=f"Exec={command(paths)}" in lines, path=path, other_home=not _starts(lines, paths)
    )


def switch_on(paths: HomePaths, environ: Mapping[str, str] = os.environ) -> Autostart:
    """Let the desktop start this home at login; another home's entry is replaced.

    Raises:
        KeystoreError: when the vault asks for a passphrase that nobody would type.
    """
    if (paths.home / SEALED_FILE).exists() and not load_config(paths.config).passphrase_file:
        raise KeystoreError(
            "This vault asks for its passphrase, and at login there is nobody to ask.",
            "Name a file of mode 0600 as passphrase_file in config.toml, or start it by hand.",
        )
    path = entry_path(environ)
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _draft_of(path)
        draft.unlink(missing_ok=True)
        # Whoever could write it could let anything run at the next login.
        create_private(draft, _TEMPLATE.format(command=command(paths)).encode("utf-8"))
        draft.replace(path)
    return state(paths, environ)


def switch_off(paths: HomePaths, environ: Mapping[str, str] = os.environ) -> bool:
    """Take this home's entry away; tell whether there was one. Another home's stays.

    An entry that an earlier installation wrote is this home's too.
    """
    path = entry_path(environ)
    lines = _lines(path)
    ours = lines is not None and _starts(lines, paths)
    with translated(path), suppress(FileNotFoundError):
        _draft_of(path).unlink(missing_ok=True)  # left by a crash
        if ours:
            path.unlink()
    return ours


def _lines(path: Path) -> list[str] | None:
    try:
        return path.read_bytes()[:_LIMIT].decode("utf-8", "replace").splitlines()
    except OSError:
        return None


def _starts(lines: list[str], paths: HomePaths) -> bool:
    """Return whether an entry starts this home, wherever the program lay that it names."""
    of_home = _arguments(paths)
    return any(line.startswith("Exec=") and line.endswith(f" {of_home}") for line in lines)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{ENTRY}.next")


def command(paths: HomePaths) -> str:
    """Return the command line, quoted as desktop entries and shells both read it."""
    program = Path(sys.executable).with_name("deskbound")
    return f"{_quoted(str(program))} {_arguments(paths)}"


def _arguments(paths: HomePaths) -> str:
    return " ".join(_quoted(word) for word in ("--home", str(paths.home), "start"))


def _quoted(word: str) -> str:
    if shlex.quote(word) == word:
        return word
    escaped = "".join(f"\\{char}" if char in '"`$\\' else char for char in word)
    # The entry's own escapes come before those of Exec; a % is a field code there.
    return '"' + escaped.replace("\\", "\\\\").replace("%", "%%") + '"'
