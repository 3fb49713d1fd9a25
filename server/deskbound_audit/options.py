"""Options that the commands over ledgers and logs share, and what they are read into."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deskbound_strategies.note import Verifier

if TYPE_CHECKING:
    from deskbound_audit.intake import Asked

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Ledgers, from `deskbound budget --export`, and a log, from `deskbound-server log"
        " export`."
    ),
]
Key = Annotated[
    list[str] | None,
    typer.Option(help="Fingerprint of a device that may have signed; its export names it."),
]
Keys = Annotated[Path | None, typer.Option(help="File with such fingerprints, one a line.")]
Delta = Annotated[
    float | None,
    typer.Option(min=1e-15, max=0.5, help="State epsilon at this delta, not the ledger's own."),
]
LogKey = Annotated[str | None, typer.Option(help="Name and key of the log, as join.json has it.")]
Witness = Annotated[list[str] | None, typer.Option(help="Key of a witness; may be repeated.")]
Quorum = Annotated[
    int, typer.Option(min=0, help="How many of the witnesses must vouch for the log.")
]
EverySignature = Annotated[
    bool,
    typer.Option(
        "--every-signature",
        help="Check also each entry's own signature, which a ledger's signed head covers already,"
        " and receipts' in a log for which a --quorum of witnesses vouches. Takes three times as"
        " long.",
    ),
]


def asked(
    *,
    key: Sequence[str] | None,
    keys: Path | None,
    delta: float | None,
    log_key: str | None,
    witness: Sequence[str] | None,
    quorum: int,
    every_signature: bool,
) -> "Asked":
    """Return what the options ask of files.

    Raises:
        NotFoundError: when the list of keys cannot be read.
        ConfigError: when a key is none.
    """
    from deskbound_audit.intake import Asked  # noqa: PLC0415 - accountants take seconds to load

    return Asked(
        _known_keys(key, keys),
        delta,
        None if log_key is None else Verifier.parse(log_key),
        tuple(Verifier.parse(text) for text in witness or ()),
        quorum,
        every_signature,
    )


def _known_keys(key: Sequence[str] | None, keys: Path | None) -> frozenset[str]:
    from deskbound_audit.verify import check_fingerprint, read_keys  # noqa: PLC0415 - slow

    named = frozenset(check_fingerprint(word, "--key") for word in key or ())
    return named | (read_keys(keys) if keys is not None else frozenset())
