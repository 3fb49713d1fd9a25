"""Is the code that runs here the code that was reviewed? Asked before training, file by file.

With ``reviewer_key`` in ``config.toml`` the manifest ``release.json`` must be signed by it and name
exactly the files that are installed, and every library that touches data must be as it was
installed. Without the key nothing is pinned, and that is said.

A program cannot vouch for itself: whoever changes this file can make it say anything. What it finds
is a changed, half updated or damaged install; `deskbound-audit release verify`, from elsewhere,
finds the rest (docs/adr/0035).
"""

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_client.config import Config
from deskbound_client.paths import HomePaths
from deskbound_client.store.files import read_private, replace_private
from deskbound_strategies import installed
from deskbound_strategies.errors import CodeChangedError, DeskboundError, NotFoundError
from deskbound_strategies.release import (
    LIBRARIES,
    Change,
    Kind,
    Release,
    differences,
    verify_release,
)

_NAMED = 3  # changes that a sentence names


class State(StrEnum):
    """What is known of the installed code."""

    NOT_PINNED = "not-pinned"
    REVIEWED = "reviewed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Code:
    """What a look at the installed code found.

    Attributes:
        state: of it.
        release: digest of the manifest it was compared with; empty for none.
        version: of the client, as the manifest names it.
    """

    state: State
    release: str = ""
    version: str = ""


def check_code(paths: HomePaths, config: Config, *, libraries: bool = True) -> Code:
    """Compare the installed code with what was reviewed.

    Args:
        paths: of the home, where ``release.json`` lies.
        config: says whose signature counts.
        libraries: whether to compare the libraries too: some 800 MB, seconds.

    Raises:
        CodeChangedError: something differs, or there is no manifest that the reviewer signed.
    """
    if not config.reviewer_key:
        return Code(State.NOT_PINNED)
    release = _release(paths, config)
    changes = [*differences_from(release), *(_libraries(release) if libraries else ())]
    if changes:
        more = len(changes) - _NAMED
        named = ", ".join(change.words for change in changes[:_NAMED])
        raise CodeChangedError(
            f"The installed code is not what was reviewed: {named}"
            + (f" and {more} more." if more > 0 else "."),
            "Install the reviewed release again, with its release.json; until then nothing is"
            " trained.",
        )
    return Code(State.REVIEWED, release.digest(), release.packages[0].version)


def _release(paths: HomePaths, config: Config) -> Release:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(config.reviewer_key))
        return verify_release(read_private(paths.release), key)
    except NotFoundError:
        sentence = "There is no release manifest, and a reviewer's key is set."
    except DeskboundError as error:
        sentence = error.sentence
    except ValueError:
        sentence = "The setting reviewer_key is not a public key."
    raise CodeChangedError(
        sentence, "Ask the privacy team for release.json of this release; nothing is trained."
    )


def differences_from(release: Release) -> tuple[Change, ...]:
    """Return what differs between our installed packages and a release."""
    found = []
    for package in release.packages:
        with suppress(NotFoundError):  # then it is missing from what was found, which is said
            found.append(installed.read_package(package.name))
    return (*differences(release, found), *_elsewhere(release))


def _elsewhere(release: Release) -> list[Change]:
    """Return our packages that this process has imported from another folder than was compared."""
    changes = []
    for package in release.packages:
        loaded = sys.modules.get(package.name)
        if loaded is not None and list(loaded.__path__) != [str(installed.folder_of(package.name))]:
            changes.append(Change(Kind.CHANGED, f"{package.name}/__path__"))
    return changes


def _libraries(release: Release) -> list[Change]:
    changes: list[Change] = []
    for library in LIBRARIES:
        try:
            changes += installed.check_record(library)
            pinned = release.records.get(library)
            if pinned is not None and installed.record_digest(library) != pinned:
                changes.append(Change(Kind.CHANGED, f"{library}/RECORD"))
        except NotFoundError:
            changes.append(Change(Kind.MISSING, library))
    return changes


def check_and_tell(paths: HomePaths, config: Config) -> None:
    """Do ``check_code`` and write down what it found, for status.

    Raises:
        CodeChangedError: as ``check_code`` does.
    """
    try:
        found = check_code(paths, config)
    except CodeChangedError:
        _write(paths, Code(State.CHANGED))
        raise
    _write(paths, found)


def _write(paths: HomePaths, found: Code) -> None:
    replace_private(paths.code_report, json.dumps(asdict(found), sort_keys=True).encode("ascii"))


def told(paths: HomePaths) -> Code | None:
    """Return what the last start of training found; None when there was none, or it is unclear."""
    with suppress(DeskboundError, OSError, ValueError, TypeError):
        return Code(**json.loads(read_private(paths.code_report)))
    return None
