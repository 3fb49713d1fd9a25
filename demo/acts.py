"""The acts of the demo. Each takes the stage, does one thing, and says what it did."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from demo.commands import CommandFailedError, Laptop, PrivacyTeam, Server, free_port
from demo.desktop import Desktop, private_desktop, work
from demo.evidence import scan_for

PERSONAS = ("analyst", "developer", "support")
NAMES = ("Ada's laptop", "Ben's laptop", "Cem's laptop")
DAYS = 7  # six to learn from, the latest to be measured on
LIVE_SECONDS = 20.0
ROOT = Path(__file__).parent.parent
PLAN = ROOT / "server/deskbound_server/plans/demo.toml"


@dataclass
class Stage:
    """What the acts share.

    Attributes:
        folder: where everything is written.
        console: where the story is told.
        ending: undoes what was started, whatever happens.
        team: the privacy team.
        witness: key of its witness.
    """

    folder: Path
    console: Console
    ending: ExitStack
    server: Server = field(init=False)
    team: PrivacyTeam = field(init=False)
    laptops: list[Laptop] = field(default_factory=list)
    desktop: Desktop = field(init=False)
    live: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    witness: str = ""

    def __post_init__(self) -> None:
        self.server = Server(self.folder / "server")
        self.team = PrivacyTeam(self.folder / "privacy-team")

    def act(self, title: str) -> None:
        """Announce an act."""
        self.console.print(f"\n[bold green]{title}[/]")

    def say(self, text: str) -> None:
        """Say one thing that happened."""
        self.console.print(f"  {text}", soft_wrap=True)

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show that something is under way, then how long it took."""
        started = time.monotonic()
        with self.console.status(f"  {what} ..."):
            yield
        self.say(f"{what} [dim]({time.monotonic() - started:.1f} s)[/]")


def set_up(stage: Stage) -> None:
    """Make a server, a witness and three laptops; nothing is captured yet."""
    stage.act("1. A server, a witness, three laptops")
    with stage.busy("The server makes its own CA, TLS certificate and contract key"):
        address = ("--host", "127.0.0.1", "--port", str(free_port()))
        bundle = stage.server.ask("init", *address, "--fleet", "demo")["join"]
    with stage.busy("A real SuperLink starts: TLS, and only enrolled laptops may connect"):
        stage.ending.callback(_quietly, stage.server.command, "down")
        stage.server.command("up", "--detach")
    with stage.busy("The privacy team's witness follows the server's log and vouches for it"):
        _watch(stage)
    for name, persona in zip(NAMES, PERSONAS, strict=True):
        with stage.busy(f"{name}: encrypted vault, consent, its own node key, enrolled"):
            stage.laptops.append(_new_laptop(stage, name, persona, bundle))


def _watch(stage: Stage) -> None:
    team, bundle = stage.team, stage.folder / "witness.json"
    team.home.mkdir()
    command = ("witness", "init", "privacy.example", "--folder", str(team.witness))
    stage.witness = team.audit(*command).strip()
    stage.server.command("witness", "add", stage.witness)
    stage.server.command("witness", "bundle", str(bundle))
    process = team.watch(bundle)
    stage.ending.callback(process.wait)
    stage.ending.callback(process.terminate)


def _new_laptop(stage: Stage, name: str, persona: str, bundle: str) -> Laptop:
    home = stage.folder / name.split("'", maxsplit=1)[0].lower()
    laptop = Laptop(name, persona, home)
    # No desktop keystore on a demo machine: a passphrase in a file only we can read.
    passphrase = stage.folder / f"{home.name}.passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    laptop.deskbound("init", "--passphrase-file", str(passphrase), "--profile", "research")
    _set(laptop, "retention_days", DAYS + 1)  # all days of the demo, and today
    _set(laptop, "thumbnail_seconds", 5.0)
    # A demo is looked at while it runs, wherever it runs; a laptop of one's own waits.
    _set(laptop, "training_only_on_mains", "false")
    _set(laptop, "training_only_when_idle", "false")
    # From now on it trains on nothing that the witness has not vouched for.
    laptop.deskbound("policy", "set", f'witnesses=["{stage.witness}"]', "witness_quorum=1")
    laptop.deskbound("consent", "grant", "all")
    public_key = laptop.ask("join", bundle)["public_key"]
    stage.server.command("enroll", public_key)
    stage.ending.callback(_quietly, laptop.deskbound, "stop")
    return laptop


def _set(laptop: Laptop, name: str, value: float | str) -> None:
    """Change a setting in config.toml, as the employee would with an editor."""
    config = laptop.home / "config.toml"
    text = config.read_text(encoding="utf-8")
    lines = [f"{name} = {value}" if line.startswith(name) else line for line in text.splitlines()]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")


def capture_live(stage: Stage) -> None:
    """Capture real X events of real programs on the first laptop, and look for what was typed."""
    stage.act("2. Real input, captured live")
    with stage.busy("A private virtual display with a window manager and four programs"):
        stage.desktop = stage.ending.enter_context(private_desktop())
    first = stage.laptops[0] = _with_display(stage.laptops[0], stage.desktop.name)
    with stage.busy(f"{first.name}: deskbound start"):
        first.deskbound("start")
    canaries = [f"canary{secrets.token_hex(5)}" for _ in range(6)]
    with stage.busy("Typing, clicking, scrolling and switching windows, with secret phrases"):
        work(stage.desktop, LIVE_SECONDS)
        _show_canaries(stage.desktop, canaries)
    with stage.busy("deskbound pause; more typing; deskbound resume"):
        kept = _pause_and_type(first, stage.desktop)
    found = first.ask("show", "today", "--last", "400", "--thumbnails", "3")
    scan = scan_for(canaries, [first.home], [repr(found), first.deskbound("status")])
    stage.live = {
        "seconds": round(LIVE_SECONDS),
        "actions": found["last"],
        "thumbnail_count": found["thumbnails"],
        "thumbnails": [picture["rows"] for picture in found["pictures"]],
        "canaries_searched": scan.phrases,
        "files_searched": scan.files,
        "canary_hits": scan.hits,
        "kept_while_paused": kept,
    }
    kinds = ", ".join(sorted({action["kind"] for action in found["last"]}))
    stage.say(
        f"In the vault: [bold]{found['actions']} actions[/] ({kinds}) and "
        f"[bold]{found['thumbnails']} thumbnails[/] of 64 x 36 points. Kept while paused: {kept}."
    )
    for action in found["last"][-4:]:
        stage.say(f"[dim]  {action['words']} in {action['app']}[/]")
    stage.say(f"{scan.phrases} secret phrases, {scan.files} files searched: {scan.hits} found.")


def _with_display(laptop: Laptop, display: str) -> Laptop:
    return Laptop(laptop.name, laptop.persona, laptop.home, display)


def _show_canaries(desktop: Desktop, canaries: list[str]) -> None:
    """Type phrases, and show them as window titles."""
    for canary in canaries[::2]:
        desktop.type(canary, pause=0.01)
    for canary in canaries[1::2]:
        window = desktop.open("xterm", "-T", canary, "-e", "sleep", "60")
        desktop.close(window)
    time.sleep(1.0)  # the last group is committed after a quarter of a second


def _pause_and_type(laptop: Laptop, desktop: Desktop) -> int:
    """Return how many actions were stored while paused."""
    laptop.deskbound("pause", "30m")
    before = laptop.ask("show", "today")["actions"]
    desktop.type("nothing of this is kept", pause=0.01)
    time.sleep(1.0)
    after = laptop.ask("show", "today")["actions"]
    laptop.deskbound("resume")
    return int(after) - int(before)


def fill_vaults(stage: Stage) -> None:
    """Generate days of activity for all laptops, through the same encoder."""
    stage.act("3. Some days of work")
    stage.say(f"[yellow]Generated, not recorded[/]: {DAYS} days each from a seeded generator.")
    for seed, laptop in enumerate(stage.laptops, start=1):
        with stage.busy(f"{laptop.name}: {DAYS} days of a made-up {laptop.persona}"):
            laptop.deskbound(
                "generate", "--persona", laptop.persona, "--days", str(DAYS), "--seed", str(seed)
            )


def learn_together(stage: Stage) -> None:
    """Start the other laptops and run the federated rounds."""
    stage.act("4. Learning together")
    for laptop in stage.laptops[1:]:
        with stage.busy(f"{laptop.name}: deskbound start --no-capture"):
            laptop.deskbound("start", "--no-capture")
    stage.run = stage.server.ask("run", str(PLAN), "--detach")["run"]
    with _progress(stage.console) as progress:
        bar = progress.add_task("  rounds: train with DP-SGD on each laptop, average", total=None)
        while True:
            run = stage.server.ask("runs", stage.run)
            planned, released = run["rounds_planned"], run["rounds_released"]
            progress.update(bar, total=planned, completed=released)
            if run["state"] not in ("queued", "running"):
                break
            time.sleep(1.0)
    if run["state"] != "finished":
        raise CommandFailedError(f"The run {run['state']}: {run['reason']}.")
    stage.say("Each laptop checked the signed contract, charged its budget, trained, added noise.")


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(),
        TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(), console=console,
    )  # fmt: skip


def _quietly(command: Any, *arguments: str) -> None:
    with suppress(CommandFailedError):
        command(*arguments)
