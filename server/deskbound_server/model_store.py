"""Released models and optimizer states as files named by their own hash.

A file is written whole and is on disk before the database mentions it, so a crash leaves at most a
file nobody names. Reading checks the name against the content.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deskbound_server.home import write_private
from deskbound_strategies.errors import NotFoundError, VaultDamagedError


class Format(StrEnum):
    """Forms a model can be written in (``model_export.py``)."""

    BIN = "bin"
    SAFETENSORS = "safetensors"
    ONNX = "onnx"


_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ModelStore:
    """A folder of files ``<sha256>.bin``."""

    folder: Path

    def save(self, data: bytes) -> str:
        """Store bytes durably and return their SHA-256 (hex).

        Raises:
            DiskFullError: there is no room; nothing is left half written.
        """
        name = hashlib.sha256(data).hexdigest()
        path = self.path(name)
        if not path.exists():
            write_private(path, data)
        return name

    def load(self, name: str) -> bytes:
        """Return the bytes of a hash.

        Raises:
            NotFoundError: there is no such file.
            VaultDamagedError: its content is not what its name says.
        """
        try:
            data = self.path(name).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(
                f"There is no model {name[:12]} here.",
                "List them with 'deskbound-server model list'.",
            ) from None
        if hashlib.sha256(data).hexdigest() != name:
            raise VaultDamagedError(
                f"The file of model {name[:12]} was changed.", "Restore it from your backup."
            )
        return data

    def path(self, name: str) -> Path:
        """Return where a hash is or would be stored.

        Raises:
            NotFoundError: for anything that is not a full hash, so that no name leads elsewhere.
        """
        if _HASH.fullmatch(name) is None:
            raise NotFoundError(
                "A model is named by 64 hex digits.",
                "List them with 'deskbound-server model list'.",
            )
        return self.folder / f"{name}.bin"
