"""``deskbound-audit``: what a privacy team runs, on files it was given. One file per command."""

from deskbound_audit import cli_witness, release_cli
from deskbound_audit.attack.command import attack
from deskbound_audit.report.command import report
from deskbound_audit.sign_floor_cli import sign_floor
from deskbound_audit.statement.command import statement
from deskbound_audit.verify_cli import verify
from deskbound_strategies import shell

app = shell.new_app("Check what laptops say they did. Needs no server and no data of anyone.")


@app.callback()
def _audit(
    version: shell.ShowVersion = False,
) -> None:
    """Check what laptops say they did. Needs no server and no data of anyone."""


for _command in (verify, report, attack, statement):
    app.command()(_command)
app.command(name="sign-floor")(sign_floor)
app.add_typer(release_cli.app, name="release")
app.add_typer(cli_witness.app, name="witness")


def main() -> None:
    """Run the command line and leave with its exit code."""
    shell.run(app)
