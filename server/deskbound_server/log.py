"""The server's transparency log: appended by whoever conducts a run, read by laptops and witnesses.

Leaves lie in the database, so that a contract and its leaf are one transaction, and so are a
round's receipts, its model and the word "released". Several runs take turns under a lock: a
contract names the map of receipts exactly as the log has it at that point.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deskbound_server import pki
from deskbound_server.database import Database
from deskbound_server.home import ServerHome
from deskbound_server.lock import FileLock
from deskbound_strategies import round_proof, stop_proof
from deskbound_strategies.anchors import AnchorMap
from deskbound_strategies.checkpoint import Checkpoint, cosigners
from deskbound_strategies.errors import BusyError, ConfigError
from deskbound_strategies.log_rules import LogRules
from deskbound_strategies.merkle import Tree
from deskbound_strategies.note import COSIGNATURE, Note, Verifier

TURN_SECONDS = 60.0


class Log:
    """The log of one server.

    Args:
        database: that holds the leaves.
        verifier: the log's name and public key.
        key: its private key.
        contract_key: whose contracts it holds.
        lock: file by which writers take turns.
    """

    def __init__(
        self,
        database: Database,
        verifier: Verifier,
        key: Ed25519PrivateKey,
        contract_key: Ed25519PublicKey,
        lock: Path,
    ) -> None:
        self._database = database
        self._verifier = verifier
        self._key = key
        self._lock = lock
        self._tree = Tree()
        self._rules = LogRules(contract_key)

    @property
    def rules(self) -> LogRules:
        """The log's state as of the last ``turn`` or ``catch_up``."""
        return self._rules

    @contextmanager
    def turn(self) -> Iterator[LogRules]:
        """Hold the pen: nobody else appends before this block ends.

        Raises:
            BusyError: another run held it for a minute.
            VerificationError: the log breaks its own rules; nobody would accept it.
        """
        with FileLock(self._lock, patience=TURN_SECONDS) as lock:
            if not lock.held:
                raise BusyError("Another run holds the log.", "Try again in a moment.")
            try:
                self.catch_up()
                yield self._rules
                self.catch_up()
            except BaseException:
                self._forget()  # what was checked may not have been written
                raise

    def check(self, leaves: Sequence[bytes]) -> None:
        """Count leaves in that are about to be written; call it in a turn, right before.

        A leaf that breaks a rule would make the log worthless for good, so none is ever written.

        Raises:
            VerificationError: one breaks a rule; none of them may be written.
        """
        for data in leaves:
            self._add(data)

    def catch_up(self) -> None:
        """Read what was appended since.

        Raises:
            VerificationError: the log breaks its own rules.
        """
        for data in self._database.leaves(self._tree.size):
            self._add(data)

    def _add(self, data: bytes) -> None:
        self._rules.add(data)
        self._tree.append(data)

    def _forget(self) -> None:
        self._tree, self._rules = Tree(), LogRules(self._rules.contract_key)

    def checkpoint(self) -> Checkpoint:
        """Return the head of what was read so far, signed and on record."""
        head = Checkpoint(self._verifier.name, self._tree.size, self._tree.root())
        if self._database.checkpoint(head.size) is None:
            self._database.keep_checkpoint(head.size, head.signed(self._key).to_bytes())
        return head

    def prover(self, index: int, head: Checkpoint) -> "Prover":
        """Return what makes the proofs of one contract's leaf for each laptop.

        Call it in the turn in which the contract was appended.
        """
        anchors = AnchorMap(self._rules.anchors.entries())
        return Prover(self._database, self._tree, index, head, anchors)

    def stop_prover(self, index: int) -> "Prover":
        """Return what makes the proofs of a stop order's leaf, under the log's head; in a turn."""
        return Prover(self._database, self._tree, index, self.checkpoint(), AnchorMap())


class Prover:
    """Makes the proof that goes with a contract, laptop by laptop."""

    def __init__(
        self,
        database: Database,
        tree: Tree,
        index: int,
        head: Checkpoint,
        anchors: AnchorMap,
    ) -> None:
        self._database = database
        self._tree = tree
        self._index = index
        self._anchors = anchors
        self.head = head

    def prove(self, anchor: str) -> bytes:
        """Return the proof for one laptop, and note which head it is shown.

        Args:
            anchor: of the laptop (hex). A vault that leaves and joins anew keeps its anchor, and
                remembers what it was shown before.
        """
        return round_proof.encode(**self._place(anchor), anchor=self._anchors.prove(anchor))

    def prove_stop(self, anchor: str) -> bytes:
        """Return the proof of a stop order for one laptop; see ``prove``."""
        return stop_proof.encode(**self._place(anchor))

    def _place(self, anchor: str) -> dict[str, Any]:
        size = self.head.size
        known = [old for old in self._database.heads_shown(anchor) if 0 < old < size]
        if len(known) > round_proof.MAX_OLDER:  # the one it answered to last, and the latest
            known = [known[0], *known[1 - round_proof.MAX_OLDER :]]
        self._database.show_head(anchor, size)
        note = self._database.checkpoint(size) or b""
        return {
            "checkpoint": note,
            "index": self._index,
            "inclusion": self._tree.inclusion_proof(self._index, size),
            "consistency": {old: self._tree.consistency_proof(old, size) for old in known},
        }

    def count_of(self, anchor: str) -> int:
        """Return how many releases of a laptop the log knew of when the contract was written."""
        entry = self._anchors.get(anchor)
        return 0 if entry is None else entry.count


def open_log(home: ServerHome, database: Database) -> Log:
    """Return a server's log.

    Raises:
        VaultDamagedError: its keys are missing.
    """
    contract_key = pki.contract_key(home).public_key()
    lock = home.run / "log.lock"
    return Log(database, pki.log_verifier(home), pki.log_key(home), contract_key, lock)


def cosigned_by(database: Database, size: int, witnesses: Sequence[Verifier]) -> list[Verifier]:
    """Return which of the witnesses cosigned the head of a size."""
    note = database.checkpoint(size)
    return [] if note is None else cosigners(Note.parse(note), witnesses)


def read_witnesses(path: Path) -> list[Verifier]:
    """Return the witnesses that this server waits for; none when there is no such file.

    Raises:
        ConfigError: naming the line that is no witness's key.
    """
    try:
        lines = path.read_text("ascii").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path} cannot be read.", "Write one witness's key a line.") from None
    return [witness_key(line.strip()) for line in lines if line.strip()]


def witness_key(text: str) -> Verifier:
    """Read a witness's key.

    Raises:
        ConfigError: when it is none.
    """
    found = Verifier.parse(text)
    if found.kind != COSIGNATURE:
        raise ConfigError(
            "This is the key of a log, not of a witness.",
            "Take the line that 'deskbound-audit witness init' printed.",
        )
    return found
