"""What a policy floor demands of the laptop itself before it takes part.

A contract is held against the floor's numbers elsewhere; this is about the process that would
train: whether the system confines it, and whether a reviewer whom the floor names signed its code.
By which manifest is remembered: a contract must name that very one (docs/adr/0045).
"""

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_client.integrity import differences_from
from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import report
from deskbound_client.store.files import read_private
from deskbound_strategies.errors import CodeChangedError, DeskboundError, SandboxError
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.release import manifest_name, verify_release


@dataclass(frozen=True, slots=True)
class _Look:
    """What is in the way, and the name of the manifest that a reviewer signed; empty for none."""

    wrong: DeskboundError | None
    manifest: str = ""


class Demands:
    """Looks once per floor, and tells the employee what is in the way.

    Args:
        paths: of the home.
        tell: takes what is wrong, or None when nothing is.
    """

    def __init__(
        self, paths: HomePaths, tell: Callable[[DeskboundError | None], object] = lambda _: None
    ) -> None:
        self._paths = paths
        self._tell = tell
        self._known: dict[str, _Look] = {}

    def met(self, floor: PolicyFloor) -> bool:
        """Return whether this process may train under a floor."""
        return self._looked(floor).wrong is None

    def manifest(self, floor: PolicyFloor) -> str:
        """Return the name of the manifest by which a reviewer of the floor signed this code.

        Empty where the floor names no reviewers, and where none of them did.
        """
        return self._looked(floor).manifest

    def _looked(self, floor: PolicyFloor) -> _Look:
        digest = floor.digest()
        if digest not in self._known:
            found = self._look(floor)
            if found.wrong is not None or self._known:
                self._tell(found.wrong)
            self._known[digest] = found
        return self._known[digest]

    def _look(self, floor: PolicyFloor) -> _Look:
        confined = report.read(self._paths, "executor", os.getpid())
        if floor.sandbox == "required" and (confined is None or not confined.whole):
            return _Look(
                SandboxError(
                    "This system cannot confine training, and the policy floor demands it.",
                    "Use Linux 5.13 or newer, or ask whoever deploys for another floor.",
                )
            )
        manifest = next(filter(None, map(self._signed_by, floor.reviewers)), "")
        if floor.reviewers and not manifest:
            return _Look(
                CodeChangedError(
                    "The installed code is not what a reviewer of the policy floor signed.",
                    "Install the reviewed release with its release.json; nothing is trained till"
                    " then.",
                )
            )
        return _Look(None, manifest)

    def _signed_by(self, reviewer: str) -> str:
        """Return the manifest's name when the reviewer signed exactly what is installed."""
        with suppress(DeskboundError, ValueError):
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(reviewer, validate=True))
            envelope = read_private(self._paths.release)
            if not differences_from(verify_release(envelope, key)):
                return manifest_name(envelope)
        return ""
