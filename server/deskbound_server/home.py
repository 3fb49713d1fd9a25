"""Where everything of a server lies on disk.

    <home>/                 0700, DESKBOUND_SERVER_HOME or --home
      server.json           host, port and fleet name, written once by ``init``
      join.json             what a laptop needs to join; the only file meant to leave
      ca/ca.key ca.pem      the fleet's certificate authority
      tls/superlink.key superlink.pem
      keys/contract.key     Ed25519, signs every round contract
      keys/log.key          Ed25519, signs the heads of the log
      secrets/superexec.secret control.token
      secrets/witness.token what witnesses show to read the log
      secrets/ui-tokens.json hashes of the tokens that open the pages
      witnesses             keys of the witnesses, one a line
      deskbound.db          runs, rounds, models, enrolled laptops (pseudonymous)
      flower.db             Flower's own state; holds noised updates for a while
      models/               <hash>.bin: released models, optimizer states, held-out files
      flwr/                 FLWR_HOME
      run/                  process ids and logs, locks of runs

Files are 0600. Whoever reads this folder can sign contracts; whoever writes it is the server.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deskbound_strategies.errors import ConfigError, DiskFullError, NotFoundError, PermissionsError

HOME_VARIABLE = "DESKBOUND_SERVER_HOME"
TOKEN_FILE_VARIABLE = "DESKBOUND_CONTROL_TOKEN_FILE"  # noqa: S105 - the name of a variable
_FOLDERS = ("ca", "tls", "keys", "secrets", "models", "flwr", "run")


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``init`` was told: where the SuperLink listens, and the fleet's name."""

    host: str
    port: int
    fleet: str


@dataclass(frozen=True, slots=True)
class ServerHome:
    """Names every file under a server's home folder."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """Host, port and fleet name."""
        return self.root / "server.json"

    @property
    def join_bundle(self) -> Path:
        """The file to hand to laptops."""
        return self.root / "join.json"

    @property
    def ca_key(self) -> Path:
        """The certificate authority's private key."""
        return self.root / "ca" / "ca.key"

    @property
    def ca_certificate(self) -> Path:
        """The certificate authority's certificate, pinned by laptops."""
        return self.root / "ca" / "ca.pem"

    @property
    def tls_key(self) -> Path:
        """The SuperLink's private key."""
        return self.root / "tls" / "superlink.key"

    @property
    def tls_certificate(self) -> Path:
        """The SuperLink's certificate."""
        return self.root / "tls" / "superlink.pem"

    @property
    def contract_key(self) -> Path:
        """The private key that signs contracts."""
        return self.root / "keys" / "contract.key"

    @property
    def log_key(self) -> Path:
        """The private key that signs the log's heads."""
        return self.root / "keys" / "log.key"

    @property
    def witness_token(self) -> Path:
        """What witnesses show to read the log."""
        return self.root / "secrets" / "witness.token"

    @property
    def ui_tokens(self) -> Path:
        """Hashes of the tokens that open the pages."""
        return self.root / "secrets" / "ui-tokens.json"

    @property
    def witnesses(self) -> Path:
        """Keys of the witnesses, one a line."""
        return self.root / "witnesses"

    @property
    def superexec_secret(self) -> Path:
        """Shared by SuperLink and SuperExec, so that no other process takes a ServerApp."""
        return self.root / "secrets" / "superexec.secret"

    @property
    def control_token(self) -> Path:
        """What our commands show to the SuperLink's control interface."""
        return self.root / "secrets" / "control.token"

    @property
    def database(self) -> Path:
        """Our database."""
        return self.root / "deskbound.db"

    @property
    def flower_database(self) -> Path:
        """Flower's database."""
        return self.root / "flower.db"

    @property
    def models(self) -> Path:
        """Folder of released models."""
        return self.root / "models"

    @property
    def flower_home(self) -> Path:
        """FLWR_HOME of everything that runs here."""
        return self.root / "flwr"

    @property
    def run(self) -> Path:
        """Folder of process ids, locks and logs."""
        return self.root / "run"

    def create(self) -> None:
        """Make the folders, readable by their owner only."""
        for folder in (self.root, *(self.root / name for name in _FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def check(self) -> None:
        """Refuse a home that was never set up or that others can enter.

        Raises:
            NotFoundError: there is no server here.
            PermissionsError: the folder is open to others.
        """
        if not self.settings_file.exists():
            raise NotFoundError(
                f"There is no Deskbound server in {self.root}.",
                "Run 'deskbound-server init' first, or name another folder with --home.",
            )
        if self.root.stat().st_mode & 0o077:
            raise PermissionsError(
                f"The server's folder {self.root} can be entered by others.",
                f"Run 'chmod 700 {self.root}'.",
            )

    def settings(self) -> Settings:
        """Read back what ``init`` was told.

        Raises:
            ConfigError: the file was changed by hand and no longer reads.
        """
        self.check()
        try:
            return Settings(**json.loads(self.settings_file.read_text("utf-8")))
        except (ValueError, TypeError):
            raise ConfigError(
                f"{self.settings_file} does not hold host, port and fleet.",
                "Restore the file, or set up a new server with 'deskbound-server init'.",
            ) from None


def find_home(given: Path | None) -> ServerHome:
    """Return the home that was given, or that of the environment, or the usual one."""
    if given is not None:
        return ServerHome(given.expanduser().absolute())
    if named := os.environ.get(HOME_VARIABLE):
        return ServerHome(Path(named).expanduser().absolute())
    return ServerHome(Path.home() / ".deskbound-server")


def write_private(path: Path, data: bytes, *, over: bool = True) -> None:
    """Write a file 0600, whole or not at all, and on disk before this returns.

    Args:
        path: the file; its folder is there.
        data: what it shall hold.
        over: False leaves a file that is there as it is.

    Raises:
        ConfigError: it is there already, and ``over`` is False.
        DiskFullError: there is no room; the old file, if any, is untouched.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if over:
            Path(name).replace(path)
        else:
            os.link(name, path)  # unlike a look beforehand, this cannot come too late
            Path(name).unlink()
    except FileExistsError:
        Path(name).unlink(missing_ok=True)
        raise ConfigError(f"{path.name} is there already.", "Name another file.") from None
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise DiskFullError(
            f"{path.name} could not be written ({error.__class__.__name__}).",
            f"Make room on the disk that holds {path.parent}.",
        ) from None
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
