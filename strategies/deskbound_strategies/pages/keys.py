"""Who may look: a code that works once, then a cookie, then a mark on every form.

The code goes from the terminal (or from a file that only its owner can read) into the browser,
never through a command line or an address, which any user of the machine can see.
"""

import hmac
import secrets

_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that looks like something else
_CODE_SIGNS = 20  # 98 bits
_GROUP = 4
_TRIES = 10


class DoorKeys:
    """The keys of one visit.

    Attributes:
        code: opens the door once; groups of four signs.
        csrf: the mark that every form of ours carries.
    """

    def __init__(self) -> None:
        signs = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_SIGNS))
        self.code = "-".join(signs[i : i + _GROUP] for i in range(0, _CODE_SIGNS, _GROUP))
        self.csrf = secrets.token_urlsafe(32)
        self._session = ""
        self._tries = _TRIES

    def enter(self, given: str) -> str | None:
        """Return a new session's secret for the right code, None for any other or a used one."""
        if not self.code or self._tries <= 0:
            return None
        if not _same(_plain(given), _plain(self.code)):
            self._tries -= 1
            return None
        self.code = ""
        self._session = secrets.token_urlsafe(32)
        return self._session

    def knows(self, session: str) -> bool:
        """Return whether a cookie is that of the visit under way."""
        return bool(self._session) and _same(session, self._session)

    def is_ours(self, csrf: str) -> bool:
        """Return whether a form carries our mark."""
        return bool(self.csrf) and _same(csrf, self.csrf)

    def destroy(self) -> None:
        """Forget all of them; nothing opens afterwards."""
        self.code = self.csrf = self._session = ""


def _plain(code: str) -> str:
    return "".join(sign for sign in code.upper() if sign.isalnum())


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
