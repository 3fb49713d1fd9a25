"""Who is in: a cookie each, for one system user, a role and some hours. In memory only."""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from deskbound_server.ui.tokens import Role, Token

SESSION_SECONDS = 12 * 3600.0
_MOST_SESSIONS = 200
TRIES, TRIES_SECONDS = 10, 60.0
_MOST_USERS = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """One visit.

    Attributes:
        role: what may be done in it.
        token: with which it was opened; None for the code of the terminal.
        user: number of the system user who opened it, None where the system cannot tell. A cookie
            knows no ports, so another user who listens on our address can be shown it; it opens
            nothing for anybody else.
        until: when it ends, on the clock of the pages.
        csrf: the mark of its forms.
    """

    role: Role
    token: Token | None
    user: int | None
    until: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def is_ours(self, csrf: str) -> bool:
        """Return whether a form carries this session's mark."""
        return hmac.compare_digest(csrf.encode("utf-8", "surrogatepass"), self.csrf.encode())


class Sessions:
    """All visits of one ``deskbound-server ui``.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, Session] = OrderedDict()
        self._turn = threading.Lock()

    def begin(self, role: Role, token: Token | None, user: int | None) -> str:
        """Open a session; return the secret for its cookie. The oldest makes room."""
        secret = secrets.token_urlsafe(32)
        with self._turn:
            while len(self._open) >= _MOST_SESSIONS:
                self._open.popitem(last=False)
            until = self._clock() + SESSION_SECONDS
            self._open[_digest(secret)] = Session(role, token, user, until)
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session of a cookie.

        It is looked up by its hash, so that how long that takes tells nothing of the secret.
        """
        with self._turn:
            found = self._open.get(_digest(secret))
            if found is not None and self._clock() >= found.until:
                del self._open[_digest(secret)]
                return None
            return found

    def end(self, session: Session) -> None:
        """Close a session."""
        with self._turn:
            for name in [name for name, one in self._open.items() if one is session]:
                del self._open[name]


class Tries:
    """Counts wrong tokens, each system user for itself: nobody can shut the door for others.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[int | None, deque[float]] = OrderedDict()
        self._turn = threading.Lock()

    def may(self, user: int | None) -> bool:
        """Return whether a user may try another token now."""
        with self._turn:
            seen = self._wrong.get(user, deque())
            while seen and seen[0] <= self._clock() - TRIES_SECONDS:
                seen.popleft()
            return len(seen) < TRIES

    def wrong(self, user: int | None) -> None:
        """Note a wrong token."""
        with self._turn:
            if user not in self._wrong and len(self._wrong) >= _MOST_USERS:
                self._wrong.popitem(last=False)
            self._wrong.setdefault(user, deque(maxlen=TRIES)).append(self._clock())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
