"""Looks at what the system confines, and at the code that runs here."""

from deskbound_client import agent
from deskbound_client.config import SANDBOX_REQUIRED, load_config
from deskbound_client.doctor.finding import Finding, note, ok, warn, wrong, wrong_as
from deskbound_client.integrity import State, check_code
from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import report
from deskbound_client.sandbox.confine import Confinement, possible
from deskbound_strategies.errors import CodeChangedError

_SCOPES = 6  # version of Landlock from which signals to other programs are closed by it as well
_MEND = "Use Linux 5.13 or newer on x86_64 or aarch64; see docs/limitations.md."


def check_sandbox(paths: HomePaths, can: Confinement | None = None) -> Finding:
    """Whether the system confines the processes that hold the vault, and does so now.

    Args:
        paths: of the home.
        can: how far this system could; looked up when None.
    """
    able = possible() if can is None else can
    if not able.whole:
        sentence = f"This system does not close to our processes: {'; '.join(able.missing)}."
        if load_config(paths.config).sandbox == SANDBOX_REQUIRED:
            return wrong("sandbox", sentence + " The sandbox is required, so nothing runs.", _MEND)
        return warn("sandbox", sentence, _MEND)
    children = agent.status(paths).children
    for role in report.ROLES:
        pid = int(children.get(role, {}).get("pid", 0))
        held = report.read(paths, role, pid) if pid else None
        if held is not None and not held.whole:
            return warn(
                "sandbox",
                f"The process {role} runs without the sandbox that this system could give it.",
                "Run `deskbound stop` and `start`.",
            )
    said = f"Capture and learning are confined (Landlock {able.landlock}, seccomp)."
    if able.landlock < _SCOPES:
        return note("sandbox", said + " A newer kernel would close more.")
    return ok("sandbox", said)


def check_installed(paths: HomePaths) -> Finding:
    """Whether our installed code is what was reviewed; libraries are left to training."""
    config = load_config(paths.config)
    try:
        found = check_code(paths, config, libraries=False)
    except CodeChangedError as error:
        return wrong_as("code", error)
    if found.state is not State.NOT_PINNED:
        return ok("code", f"The code is as reviewed: release {found.release[:16]}.")
    if paths.release.exists():
        return warn(
            "code",
            "There is a release.json, and no key to check it with: the code is not pinned.",
            "Set reviewer_key in config.toml to the key of the privacy team.",
        )
    return note("code", "The code is not pinned: no reviewer's key is set.")
