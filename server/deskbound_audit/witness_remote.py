"""Where a witness reads a server's log: the operator's bundle, and the log over TLS.

The server is not trusted: an answer that was cut off is no answer, nobody but the authority in the
bundle vouches for the connection, and no redirection is followed.
"""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deskbound_strategies.errors import ConfigError, NotFoundError, UnreachableError
from deskbound_strategies.note import SIGNATURE, Verifier

TIMEOUT_SECONDS = 20.0
MAX_LEAVES = 1_000  # of one answer: newlines without end are not taken apart
MAX_ANSWER_BYTES = 64 * 1024 * 1024
_TOKEN_HEADER = "deskbound-witness-token"  # noqa: S105 - the name of a header
_FIELDS = {"url", "ca_pem", "log", "contract_key", "token"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a log is read, and by which keys.

    Attributes:
        url: address of the log's interface, ending with a slash.
        ca_pem: the authority that vouches for it.
        log: name and key of the log.
        contract_key: whose contracts it holds.
        token: to be shown for reading.
    """

    url: str
    ca_pem: str
    log: Verifier
    contract_key: Ed25519PublicKey
    token: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the bundle that ``deskbound-server witness bundle`` wrote.

        Raises:
            NotFoundError: there is no such file.
            ConfigError: it is no such bundle.
        """
        try:
            raw = json.loads(path.read_text("utf-8"))
            sound = set(raw) == _FIELDS and all(isinstance(one, str) for one in raw.values())
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw["contract_key"]))
            x509.load_pem_x509_certificates(raw["ca_pem"].encode("ascii"))  # none is no authority
            made = cls(raw["url"], raw["ca_pem"], Verifier.parse(raw["log"]), key, raw["token"])
        except OSError:
            raise NotFoundError(f"{path.name} cannot be read.", "Check the path.") from None
        except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
            sound = False
        if not sound or made.log.kind != SIGNATURE or not made.url.startswith("https://"):
            raise ConfigError(
                f"{path.name} is not a witness bundle.",
                "Ask the operator for the file that 'deskbound-server witness bundle' writes.",
            )
        return made


class Remote:
    """The log of a server, over TLS."""

    def __init__(self, source: Source) -> None:
        self._source = source
        trust = ssl.create_default_context(cadata=source.ca_pem)
        handler = urllib.request.HTTPSHandler(context=trust)
        self._opener = urllib.request.build_opener(handler, _NoRedirection)

    def checkpoint(self) -> bytes | None:
        """Return the largest signed head; None while the log has none."""
        return self._ask("checkpoint", missing=True)

    def leaves(self, begin: int) -> list[bytes]:
        """Return some leaves from an index on; none when there are no more."""
        answer = self._ask(f"entries?begin={begin}") or b""
        return answer.split(b"\n", MAX_LEAVES)[:-1]

    def cosignature(self, note: bytes) -> None:
        """Hand a cosigned head over."""
        self._ask("cosignature", note)

    def _ask(self, what: str, body: bytes | None = None, *, missing: bool = False) -> bytes | None:
        headers = {_TOKEN_HEADER: self._source.token}
        request = urllib.request.Request(  # noqa: S310 - https, checked when loaded
            self._source.url + what, data=body, headers=headers
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                data = bytes(response.read(MAX_ANSWER_BYTES))
                declared = response.headers.get("Content-Length")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404 and missing:
                return None
            raise UnreachableError(
                f"The server answered with status {error.code}.",
                "403: ask the operator to add this witness's key, or for a new bundle.",
            ) from None
        except (OSError, ValueError, http.client.HTTPException):
            raise _unreachable() from None
        if body is None and declared != str(len(data)):
            raise _unreachable()  # cut off; what is left could look like a shorter log
        return data


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """Makes a redirection an error: the token is for this server, and so are the questions."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


def _unreachable() -> UnreachableError:
    return UnreachableError(
        "The server's log does not answer.", "Check the network; the witness tries again."
    )
