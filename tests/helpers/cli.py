"""The employee's command on a real vault, in this process: what it prints and how it ends."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deskbound_client.capture.control import Control
from deskbound_client.capture.signals import KEYS
from deskbound_client.cli import app
from deskbound_client.paths import HomePaths
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.rows import StoredAction
from deskbound_client.store.vault import Vault
from deskbound_strategies import shell
from deskbound_strategies.ledger import LedgerEntry
from deskbound_strategies.ledger_bodies import LedgerKind
from deskbound_strategies.policy import PROFILES
from deskbound_strategies.vocabulary import Kind, key_argument, token_of
from tests.helpers.privacy import a_lattice, a_round

PASSPHRASE = "four unrelated plain words"
ENTER = token_of(Kind.KEY, key_argument("enter"))


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Desk:
    """A home and the commands on it; every one goes through the real application."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.paths = HomePaths(root / "home")
        self.passphrase = root / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
        self.passphrase.chmod(0o600)
        self._capsys = capsys

    def run(self, *words: str) -> Answer:
        """Run one command line."""
        self._capsys.readouterr()
        code = shell.exit_code_of(app, ["--home", str(self.paths.home), *words])
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)

    def ok(self, *words: str) -> str:
        """Run a command that must work, silently on standard error; return what it printed."""
        answer = self.run(*words)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.out

    def ask(self, *words: str) -> Any:
        """Run a command that answers a program."""
        return json.loads(self.ok(*words, "--json"))

    def fails(self, code: int, *words: str) -> str:
        """Run a command that must fail with one sentence and one mend; return both as printed."""
        answer = self.run(*words)
        assert answer.code == code, answer
        assert answer.out == "", "a failure prints nothing else"
        sentence, mend = answer.err.splitlines()
        assert sentence.startswith("✗ ")
        assert sentence.endswith(".")
        assert mend.startswith("  ")
        assert "Traceback" not in answer.err
        return answer.err

    def init(self, *more: str) -> str:
        """Make the vault."""
        return self.ok("init", "--passphrase-file", str(self.passphrase), *more)

    @contextmanager
    def vault(self) -> Iterator[Vault]:
        """Open the vault beside the command."""
        keystore = choose_keystore(self.paths.home, lambda: PASSPHRASE)
        with Vault.open(self.paths.home, keystore) as vault:
            yield vault

    def ledger(self, *kinds: LedgerKind) -> list[LedgerEntry]:
        """Return the ledger's entries, verified."""
        with self.vault() as vault:
            return list(LedgerStore(vault).entries(kinds=kinds))

    def bodies(self, kind: LedgerKind) -> list[dict[str, Any]]:
        """Return what the entries of a kind say."""
        return [entry.body for entry in self.ledger(kind)]

    def store(self, day: date, count: int = 10, **more: int) -> list[StoredAction]:
        """Store some presses of the enter key from noon of a day on, a second apart."""
        start = noon(day)
        rows = [
            StoredAction(ENTER, 0, 1, start + i, **({"stream": KEYS} | more)) for i in range(count)
        ]
        with self.vault() as vault:
            vault.append(rows)
        return rows

    def learn_from(self, *days: date) -> bytes:
        """Let one round learn from these days, as far as budget and ledger are concerned."""
        asked, update = a_round(), b"an update"
        with self.vault() as vault:
            budget = Budget(LedgerStore(vault), PROFILES["research"])
            assert budget.reserve(asked, dict.fromkeys(days, "cut"), a_lattice(asked)) is not None
            budget.release(asked, update)
        return update

    def word(self) -> Control:
        """Return the control word."""
        return Control.open(self.paths.control)


@pytest.fixture
def empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """A home without a vault, on a machine without a keystore; nobody is at the terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("keyring.backend.get_all_keyring", list)
    return Desk(tmp_path, capsys)


@pytest.fixture
def desk(empty: Desk, new_home: Desk) -> Desk:
    """A home with a new vault that opens by its passphrase file: a copy of what ``init`` made."""
    shutil.copytree(new_home.paths.home, empty.paths.home)
    config = empty.paths.config.read_text(encoding="utf-8")
    moved = config.replace(str(new_home.passphrase), str(empty.passphrase))
    empty.paths.config.write_text(moved, encoding="utf-8")
    return empty


class _Silent:
    """Takes what commands print where nobody looks at it."""

    def readouterr(self) -> Any:
        return type("Said", (), {"out": "", "err": ""})


@contextmanager
def quiet_desk(root: Path) -> Iterator[Desk]:
    """Make a home with a new vault for several tests together; nobody reads what is printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO())
        patch.setattr("keyring.backend.get_all_keyring", list)
        patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        desk = Desk(root, _Silent())  # type: ignore[arg-type]
        desk.init("--profile", "research")
        yield desk


def noon(day: date) -> int:
    """Return the Unix second of local noon."""
    return int(datetime(day.year, day.month, day.day, 12).astimezone().timestamp())


def days_ago(count: int) -> date:
    """Return a day by its age."""
    return datetime.now().astimezone().date() - timedelta(days=count)
