"""``deskbound-audit sign-floor``: vouch for what laptops may be asked at most."""

from pathlib import Path
from typing import Annotated

import typer


def sign_floor(
    floor: Annotated[Path, typer.Argument(help="The floor.toml that laptops will get.")],
    key: Annotated[Path, typer.Option(help="The private policy key; made if it is not there yet.")],
) -> None:
    """Sign a policy floor, for laptops that have your policy key pinned.

    Writes the signature beside the floor and the public key beside the private one. A laptop pins
    the public key with `deskbound policy pin`; keep the private one from whoever runs rounds.

    Example: deskbound-audit sign-floor floor.toml --key policy.pem
    """
    from deskbound_audit.sign_floor import sign_floor as sign  # noqa: PLC0415 - heavy

    signature, public = sign(floor, key)
    typer.echo(f"Signed: {signature}. Laptops pin {public}.")
