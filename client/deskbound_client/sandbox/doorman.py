"""Stays outside for a process in the sandbox, and hands in the two things that cannot be had there.

The one is the system's keystore, which is asked over the session bus: whoever may speak on that bus
may have any program started, so nobody inside may. The other is the connection to the SuperNode's
runtime API: Landlock can allow a port, but on every machine of the world. So the doorman connects,
to the one loopback address it was born with, and hands over the connected socket.

It is forked from the process that is about to be confined, before that reads anything from outside,
and hears three words: ``load``, ``replace`` with 32 bytes of key, ``dial``. It ends when its
counterpart does (docs/adr/0034).
"""

import ctypes
import json
import os
import signal
import socket
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable

from deskbound_client.store.keystore import Keystore
from deskbound_strategies.errors import DeskboundError, KeystoreError, UnreachableError

_PR_SET_PDEATHSIG = 1
_MOST_BYTES = 4096  # of a message; a key and a sentence fit
_DIAL_SECONDS = 5.0
_PATIENCE_SECONDS = 60.0  # a keystore may ask its owner to unlock it


class Doorman:
    """The inner side: what the confined process holds of it. Threads take turns.

    It is a ``Keystore`` too, where the vault's key lies in the system's own.
    """

    kind = "keyring"

    def __init__(self, line: socket.socket, pid: int) -> None:
        self._line, self.pid = line, pid
        self._turn = threading.Lock()

    def load(self) -> bytes:
        """Return the 32-byte key-encryption key.

        Raises:
            KeystoreError: when the keystore does not give it.
        """
        return b64decode(self._asked({"load": True}))

    def replace(self, new: bytes) -> None:
        """Keep ``new`` instead.

        Raises:
            KeystoreError: when the keystore does not take it.
        """
        self._asked({"replace": b64encode(new).decode("ascii")})

    def dial(self) -> socket.socket:
        """Return a new connection to the SuperNode's runtime API.

        Raises:
            UnreachableError: when it does not answer, or the doorman is gone.
        """
        with self._turn:
            try:
                self._line.sendall(json.dumps({"dial": True}).encode("ascii"))
                _, handles, _, _ = socket.recv_fds(self._line, _MOST_BYTES, 1)
            except OSError:
                raise _no_door() from None
        if not handles:
            raise _no_door()
        return socket.socket(fileno=handles[0])

    def _asked(self, question: dict[str, object]) -> str:
        with self._turn:
            try:
                self._line.sendall(json.dumps(question).encode("ascii"))
                answer = json.loads(self._line.recv(_MOST_BYTES))
            except (OSError, ValueError):
                raise _silent() from None
        if "error" in answer:
            raise KeystoreError(*answer["error"])
        return str(answer["done"])


def _silent() -> KeystoreError:
    return KeystoreError(
        "The system keystore is locked or does not answer.",
        "Unlock it (log in to your desktop session), then try again.",
    )


def _no_door() -> UnreachableError:
    return UnreachableError(
        "The SuperNode on this laptop does not answer.", "Deskbound restarts it by itself."
    )


def post(keystore: Callable[[], Keystore] | None, address: tuple[str, int] | None) -> Doorman:
    """Fork a doorman and return the inner side of it. Call it while there is one thread.

    Args:
        keystore: gives the system's keystore; None where the key lies in the home.
        address: the only one it ever connects to; None for none.
    """
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            inner.close()
            _stand(outer, parent, keystore, address)
            code = 0
        finally:
            os._exit(code)  # nothing of the process it was forked from may run again here
    outer.close()
    inner.settimeout(_PATIENCE_SECONDS)
    return Doorman(inner, pid)


def _stand(
    line: socket.socket,
    parent: int,
    keystore: Callable[[], Keystore] | None,
    address: tuple[str, int] | None,
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who ends in order may still have a key to keep
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _close_the_agents_pipes()
    if os.getppid() != parent:
        return
    opened: Keystore | None = None
    while said := line.recv(_MOST_BYTES):
        question = json.loads(said)
        try:
            if "dial" in question:
                _hand_over(line, address)
                continue
            if opened is None and keystore is not None:
                opened = keystore()
            line.sendall(json.dumps({"done": _kept(opened, question)}).encode("ascii"))
        except DeskboundError as error:
            _say_no(line, error)
        except Exception:  # noqa: BLE001 - a backend's own; the next question may go better
            _say_no(line, _silent())


def _say_no(line: socket.socket, error: DeskboundError) -> None:
    line.sendall(json.dumps({"error": [error.sentence, error.mend]}).encode("ascii"))


def _close_the_agents_pipes() -> None:
    """Let go of the agent's pipes: their end is how it knows that a child is gone."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)


def _kept(keystore: Keystore | None, question: dict[str, str]) -> str:
    if keystore is None:
        raise KeystoreError("This vault's key lies in its home.", "Give its passphrase.")
    if "replace" in question:
        keystore.replace(b64decode(question["replace"]))
        return ""
    return b64encode(keystore.load()).decode("ascii")


def _hand_over(line: socket.socket, address: tuple[str, int] | None) -> None:
    try:
        if address is None:
            raise ConnectionRefusedError
        with socket.create_connection(address, _DIAL_SECONDS) as made:
            socket.send_fds(line, [b"{}"], [made.fileno()])
    except OSError:
        line.sendall(b"{}")
