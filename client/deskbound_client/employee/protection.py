"""What stands behind the promise that only reviewed code runs, and how far the system holds it in.

For status, so it needs no passphrase: it reads settings and what the processes wrote down.
"""

from contextlib import suppress
from dataclasses import dataclass

from deskbound_client import integrity
from deskbound_client.agent import AgentStatus
from deskbound_client.config import load_config
from deskbound_client.integrity import State
from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import report
from deskbound_client.sandbox.confine import Confinement
from deskbound_strategies.errors import DeskboundError


@dataclass(frozen=True, slots=True)
class Protection:
    """Two facts of this laptop, in words.

    Attributes:
        code: ``not-pinned``, ``pinned`` (not compared yet), ``reviewed`` or ``changed``.
        release: digest of the manifest the code was compared with; empty for none.
        sandbox: of each running process that holds the vault: ``whole``, ``part`` or ``none``.
    """

    code: str
    release: str
    sandbox: dict[str, str]

    @property
    def words(self) -> tuple[str, str]:
        """What is known of the code, and of the sandbox."""
        return _CODE[self.code].format(self.release[:16]), _sandbox_words(self.sandbox)


_CODE = {
    "not-pinned": "Code: not pinned; no reviewer's key is set (docs/operations.md).",
    "pinned": "Code: pinned; it is compared with release.json when learning starts.",
    "reviewed": "Code: as reviewed, release {}.",
    "changed": "Code: changed since it was reviewed; nothing is trained.",
}


def _sandbox_words(found: dict[str, str]) -> str:
    if not found:
        return "Sandbox: nothing runs that holds the vault."
    said = ", ".join(f"{role} {how}" for role, how in found.items())
    if set(found.values()) == {"whole"}:
        return f"Sandbox: {said} (no network, no other files, no other programs)."
    return f"Sandbox: {said}; the system leaves open what `deskbound doctor` names."


def protection_of(paths: HomePaths, agent: AgentStatus) -> Protection:
    """Return what is known without opening the vault.

    Args:
        paths: of the home.
        agent: what the agent last knew, with its children's process ids.
    """
    pinned = False
    with suppress(DeskboundError):  # settings that cannot be read are said elsewhere
        pinned = bool(load_config(paths.config).reviewer_key)
    told = integrity.told(paths) if agent.pid else None
    code, release = "pinned" if pinned else "not-pinned", ""
    if pinned and told is not None and told.state != State.NOT_PINNED:
        code, release = str(told.state), told.release
    pids = {role: int(agent.children.get(role, {}).get("pid", 0)) for role in report.ROLES}
    sandbox = {role: how(report.read(paths, role, pid)) for role, pid in pids.items() if pid}
    return Protection(code, release, sandbox)


def how(found: Confinement | None) -> str:
    """Return ``whole``, ``part`` or ``none``."""
    if found is None or not (found.landlock or found.seccomp):
        return "none"
    return "whole" if found.whole else "part"
