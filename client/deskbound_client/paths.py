"""Every file of a laptop's home folder, named in one place."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from deskbound_client.store.files import make_private_folder

HOME_VARIABLE = "DESKBOUND_HOME"


def default_home() -> Path:
    """Return ``$DESKBOUND_HOME``, or the user's data folder of this platform."""
    given = os.environ.get(HOME_VARIABLE)
    return Path(given).expanduser() if given else user_data_path("deskbound")


@dataclass(frozen=True, slots=True)
class HomePaths:
    """The home folder (0700) and what lies in it (0600).

    The vault's own files are named by the vault; these are the ones around it.

    Attributes:
        home: the folder; made absolute, for children may run elsewhere.
    """

    home: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home.expanduser().absolute())

    @classmethod
    def of(cls, home: Path | None = None) -> "HomePaths":
        """Return the paths of a folder, or of the default one."""
        return cls(default_home() if home is None else home)

    def prepare(self) -> None:
        """Make the folders that are missing and check that only their owner may enter them.

        Raises:
            PermissionsError: when others may enter one.
            DiskFullError: when there is no room.
        """
        for folder in (self.home, self.server, self.run, self.flwr, self.model):
            make_private_folder(folder)

    @property
    def config(self) -> Path:
        """What the employee has set."""
        return self.home / "config.toml"

    @property
    def floor(self) -> Path:
        """The policy floor that is proposed; what holds is in the vault."""
        return self.home / "floor.toml"

    @property
    def floor_signature(self) -> Path:
        """Whoever deploys vouches for the proposal here, where their key is pinned."""
        return self.home / "floor.toml.sig"

    @property
    def control(self) -> Path:
        """The pause word."""
        return self.home / "control"

    @property
    def server(self) -> Path:
        """What this laptop knows of the server it joined."""
        return self.home / "server"

    @property
    def join(self) -> Path:
        """The bundle of the server: address, fleet, contract key."""
        return self.server / "join.json"

    @property
    def ca(self) -> Path:
        """The one certificate authority that may vouch for the SuperLink."""
        return self.server / "ca.pem"

    @property
    def node_key(self) -> Path:
        """Private key with which this laptop names itself to the SuperLink."""
        return self.server / "node.key"

    @property
    def node_public_key(self) -> Path:
        """Its public half, for the operator to enroll."""
        return self.server / "node.pub"

    @property
    def run(self) -> Path:
        """Of the processes that run now: state, secret, logs of codes."""
        return self.home / "run"

    @property
    def status(self) -> Path:
        """What the agent last knew of all processes, as one JSON value."""
        return self.run / "status.json"

    @property
    def agent_lock(self) -> Path:
        """Held by the one agent of this home, with its process id in it."""
        return self.run / "agent.lock"

    @property
    def agent_log(self) -> Path:
        """Codes of what happened to the processes; no text of theirs."""
        return self.run / "agent.log"

    @property
    def network_account(self) -> Path:
        """Bytes sent and received this month."""
        return self.home / "network.json"

    @property
    def superexec_secret(self) -> Path:
        """Shared by SuperNode and executor of one start, so that no other process gets a task."""
        return self.run / "superexec.secret"

    def sandbox_report(self, role: str) -> Path:
        """How far the running process of that role is confined, as one JSON value."""
        return self.run / f"sandbox-{role}.json"

    def scratch(self, role: str) -> Path:
        """Temporary files of libraries of that role; emptied at every start."""
        return self.run / f"scratch-{role}"

    @property
    def release(self) -> Path:
        """The release manifest that names every file of ours, signed by the reviewer."""
        return self.home / "release.json"

    @property
    def code_report(self) -> Path:
        """What the executor last found of the installed code, as one JSON value."""
        return self.run / "code.json"

    @property
    def flwr(self) -> Path:
        """Flower's own folder (``FLWR_HOME``) of this laptop."""
        return self.home / "flwr"

    @property
    def model(self) -> Path:
        """The shared model as last received."""
        return self.home / "model"

    @property
    def model_weights(self) -> Path:
        """Its encoded weights."""
        return self.model / "current.bin"

    @property
    def model_card(self) -> Path:
        """Its task, round and hash, as JSON."""
        return self.model / "current.json"
