"""``deskbound-audit verify``: ledgers and logs, to the last byte."""

import json
from typing import Annotated

import typer
from rich.console import Console

from deskbound_audit import options
from deskbound_strategies.errors import VerificationError


def verify(
    files: options.Files,
    key: options.Key = None,
    keys: options.Keys = None,
    delta: options.Delta = None,
    log_key: options.LogKey = None,
    witness: options.Witness = None,
    quorum: options.Quorum = 0,
    *,
    every_signature: options.EverySignature = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify ledgers and logs: every byte, every signature that counts, every epsilon anew.

    With a log among the files, each ledger is held against it: what a laptop paid for must have
    been asked of everybody, on the same terms. Exit code 0 when all verify, 50 when one does not.

    Example: deskbound-audit verify log.jsonl ledgers/*.jsonl --keys fleet-keys.txt
    """
    # Accountants take seconds to load; --help and wrong options should not wait for them.
    from deskbound_audit import log  # noqa: PLC0415
    from deskbound_audit import verdicts as shown  # noqa: PLC0415
    from deskbound_audit.intake import verify_all  # noqa: PLC0415

    asked = options.asked(
        key=key,
        keys=keys,
        delta=delta,
        log_key=log_key,
        witness=witness,
        quorum=quorum,
        every_signature=every_signature,
    )
    logs, verdicts = verify_all(files, asked)
    if as_json:
        told = [*(log.as_dict(one) for one in logs), *shown.as_json(verdicts)]
        typer.echo(json.dumps(told, indent=2))
    else:
        console = Console(highlight=False)
        for one in logs:
            console.print(shown.log_lines(one))
        if verdicts:
            console.print(shown.as_table(verdicts, keys_known=bool(asked.known_keys)))
    failed = sum(not one.accepted for one in verdicts) + sum(not one.accepted for one in logs)
    if failed:
        raise VerificationError(
            f"{failed} of {len(files)} files did not verify.",
            "Ask for fresh exports; if those fail too, treat them as tampered with.",
        )
