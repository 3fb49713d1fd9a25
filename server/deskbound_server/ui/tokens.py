"""Who may look at the pages: random tokens with a role, kept as hashes, shown once.

A token is 256 random bits, so a plain hash keeps it: there is nothing to guess that a slow hash
would make dearer (NIST SP 800-63B, 5.1.2.2, asks for salt below 112 bits only). The file is read at
every request: what is revoked opens nothing from then on.
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from deskbound_server.home import ServerHome, write_private
from deskbound_server.lock import FileLock
from deskbound_strategies.errors import BusyError, ConfigError, NotFoundError

_ID_BYTES, _SECRET_BYTES = 4, 32
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
MOST_TOKENS = 200


class Role(StrEnum):
    """What a token opens."""

    VIEWER = "viewer"  # the pages
    OPERATOR = "operator"  # the pages, and the order to stop the fleet
    METRICS = "metrics"  # /metrics alone


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token.

    Attributes:
        id: 8 hex digits; names it, opens nothing.
        role: what it opens.
        hash: SHA-256 (hex) of the token.
        label: the operator's own mark.
        created: Unix seconds.
    """

    id: str
    role: Role
    hash: str
    label: str
    created: int


class TokenBook:
    """The tokens of a server, in ``secrets/ui-tokens.json`` (0600)."""

    def __init__(self, home: ServerHome) -> None:
        self._path = home.ui_tokens
        self._lock = home.run / "ui-tokens.lock"

    def all(self) -> list[Token]:
        """Return all tokens, oldest first.

        Raises:
            ConfigError: the file was changed by hand; no token opens anything then.
        """
        try:
            rows = json.loads(self._path.read_bytes())
            return [_token(row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, RecursionError):
            raise ConfigError(
                "secrets/ui-tokens.json cannot be read as a list of tokens.",
                "Delete it, and make new tokens with 'deskbound-server ui token'.",
            ) from None

    def add(self, role: Role, label: str, now: float) -> tuple[Token, str]:
        """Make a token; return what is kept of it, and itself, which nobody can show again.

        Raises:
            ConfigError: the label does not do, or there are too many.
        """
        if label and _LABEL.fullmatch(label) is None:
            raise ConfigError(
                "A label has at most 40 letters, digits, spaces, dots and dashes.",
                "As in: --label grafana",
            )
        name = secrets.token_hex(_ID_BYTES)
        secret = f"{name}.{secrets.token_urlsafe(_SECRET_BYTES)}"
        made = Token(name, role, _hash(secret), label, int(now))
        with self._alone():
            known = self.all()
            if len(known) >= MOST_TOKENS:
                raise ConfigError(
                    f"There are {MOST_TOKENS} tokens already.", "Revoke those nobody needs."
                )
            self._write([*known, made])
        return made, secret

    def revoke(self, name: str) -> Token:
        """Take a token away, for good; pages opened with it close with their next request.

        Args:
            name: its id, or the beginning of it.

        Raises:
            NotFoundError: no token has that id, or several begin so.
        """
        with self._alone():
            known = self.all()
            found = [one for one in known if name and one.id.startswith(name)]
            if len(found) != 1:
                which = "more than one token" if found else "no token"
                raise NotFoundError(
                    f"There is {which} of that id.", "List them with 'deskbound-server ui tokens'."
                )
            self._write([one for one in known if one != found[0]])
        return found[0]

    def find(self, given: str) -> Token | None:
        """Return the token that was shown, None for anything else; takes as long for either."""
        digest, found = _hash(given), None
        for one in self.all():
            if hmac.compare_digest(one.hash, digest):
                found = one
        return found

    def holds(self, token: Token) -> bool:
        """Return whether a token has not been revoked."""
        return token in self.all()

    def _write(self, tokens: list[Token]) -> None:
        write_private(self._path, json.dumps([asdict(one) for one in tokens], indent=1).encode())

    def _alone(self) -> "_Held":
        return _Held(self._lock)


class _Held(FileLock):
    """The lock, held, or an error."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, patience=5.0)

    def __enter__(self) -> Self:
        super().__enter__()
        if not self.held:
            self.__exit__()
            raise BusyError("Another command changes the tokens.", "Try again in a moment.")
        return self


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: dict[str, object]) -> Token:
    found = Token(**row)  # type: ignore[arg-type]
    texts = (found.id, found.hash, found.label)
    if not all(isinstance(one, str) for one in texts) or type(found.created) is not int:
        raise ValueError
    return Token(found.id, Role(found.role), found.hash, found.label, found.created)
