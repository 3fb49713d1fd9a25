"""The five acts of the demo. Each takes the stage, does one thing, and says what it did."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from demo.commands import CommandFailedError, Laptop, Server, free_port
from demo.desktop import Desktop, private_desktop, work
from demo.evidence import scan_for, tamper, verify_ledger

PERSONAS = ("analyst", "developer", "support")
NAMES = ("Ada's laptop", "Ben's laptop", "Cem's laptop")
DAYS = 6
LIVE_SECONDS = 20.0
ROOT = Path(__file__).parent.parent
PLAN = ROOT / "server/deskbound_server/plans/demo.toml"
SCORES = ("most frequent", "repeat last", "Markov 1", "Markov 2", "before", "shared model")


@dataclass
class Stage:
    """What the acts share.

    Attributes:
        folder: where everything is written.
        console: where the story is told.
        ending: undoes what was started, whatever happens.
    """

    folder: Path
    console: Console
    ending: ExitStack
    server: Server = field(init=False)
    laptops: list[Laptop] = field(default_factory=list)
    desktop: Desktop = field(init=False)
    live: dict[str, Any] = field(default_factory=dict)
    run: str = ""

    def __post_init__(self) -> None:
        self.server = Server(self.folder / "server")

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
    """Make a server and three laptops; nothing is captured yet."""
    stage.act("1. A server and three laptops")
    with stage.busy("The server makes its own CA, TLS certificate and contract key"):
        address = ("--host", "127.0.0.1", "--port", str(free_port()))
        bundle = stage.server.ask("init", *address, "--fleet", "demo")["join"]
    with stage.busy("A real SuperLink starts: TLS, and only enrolled laptops may connect"):
        stage.server.command("up", "--detach")
    stage.ending.callback(_quietly, stage.server.command, "down")
    for name, persona in zip(NAMES, PERSONAS, strict=True):
        with stage.busy(f"{name}: encrypted vault, consent, its own node key, enrolled"):
            stage.laptops.append(_new_laptop(stage, name, persona, bundle))


def _new_laptop(stage: Stage, name: str, persona: str, bundle: str) -> Laptop:
    home = stage.folder / name.split("'", maxsplit=1)[0].lower()
    laptop = Laptop(name, persona, home)
    # No desktop keystore on a demo machine: a passphrase in a file only we can read.
    passphrase = stage.folder / f"{home.name}.passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    laptop.deskbound("init", "--passphrase-file", str(passphrase), "--profile", "research")
    laptop.deskbound("consent", "grant", "all")
    public_key = laptop.ask("join", bundle)["public_key"]
    stage.server.command("enroll", public_key)
    stage.ending.callback(_quietly, laptop.deskbound, "stop")
    return laptop


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


def look_back(stage: Stage) -> dict[str, Any]:
    """Measure, audit and collect everything the report shows."""
    stage.act("5. What came of it, and what it cost")
    run = stage.server.ask("runs", stage.run)
    models = stage.folder / "models"
    models.mkdir()
    rounds = [row for row in run["rounds"] if row["model_out"]]
    for row in rounds:
        row["file"] = str(models / f"round-{row['round']}.bin")
        stage.server.command("model", "export", row["model_out"], row["file"])
    laptops = [_account(stage, laptop, rounds) for laptop in stage.laptops]
    _tell(stage, laptops)
    ledger = Path(laptops[0]["ledger"]["file"])
    tried = 12
    with stage.busy(f"An auditor changes one byte of a ledger, {tried} times"):
        found = tamper(ledger, tried, seed=7)
    stage.say(f"{found} of {tried} changes were found.")
    rival = max(("most frequent", "repeat last"), key=lambda name: _mean(laptops, name))
    return {
        "when": datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
        "rounds": len(rounds),
        "floor": {"epsilon_day": laptops[0]["budget"]["epsilon_cap"],
                  "words": laptops[0]["budget"]["words"]},
        "guarantee": GUARANTEE.format(**laptops[0]["budget"]),
        "live": stage.live,
        "vocabulary_size": 423,
        "score_names": SCORES,
        "laptops": laptops,
        "mean": {"after": _mean(laptops, "shared model"), "rival": _mean(laptops, rival),
                 "rival_name": rival},
        "tamper": {"tried": tried, "found": found},
        "round_rows": run["rounds"],
    }  # fmt: skip


GUARANTEE = (
    "Unit: one session of work (at most ten minutes and 256 actions); adding or removing one "
    "session of a day changes the probability of anything a laptop ever sent by at most a factor "
    "of e to the ε, except with probability δ = {delta:.0e}. ε is per day of data, composed over "
    "all rounds; it holds whatever the server and all colleagues do."
)


def _account(stage: Stage, laptop: Laptop, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    ledger = stage.folder / f"{laptop.home.name}.ledger.jsonl"
    with stage.busy(f"{laptop.name}: predict, budget, sent, audit"):
        models = [argument for row in rounds for argument in ("--model", row["file"])]
        final = laptop.ask("predict", *models)
        budget = laptop.ask("budget", "--export", str(ledger))
        sent = laptop.ask("sent")
        verified = verify_ledger(ledger)
    return {
        "name": laptop.name,
        "persona": laptop.persona,
        "scores": final["scores"],
        "curve": [
            {"round": row["round"], **score}
            for row, score in zip(
                [{"round": 0}, *rounds], [final["scores"]["before"], *final["models"]], strict=True
            )
        ],
        "budget": budget,
        "sent": {"uploads": sent["uploads"], "bytes": sent["bytes"]},
        "ledger": {"file": str(ledger), "verified": verified,
                   "entries": len(ledger.read_bytes().splitlines()) - 2},
    }  # fmt: skip


def _tell(stage: Stage, laptops: list[dict[str, Any]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - this act alone draws tables

    table = Table("hit@1 / hit@5 on a held-out day", *(one["name"] for one in laptops), box=None)
    for name in SCORES:
        cells = [
            f"{one['scores'][name]['hit1']:.3f} / {one['scores'][name]['hit5']:.3f}"
            for one in laptops
        ]
        table.add_row(name, *cells, style="bold green" if name == "shared model" else None)
    for label, cell in (
        ("epsilon, dearest day", lambda one: f"{one['budget']['worst_epsilon']:.2f}"),
        ("delta", lambda one: f"{one['budget']['delta']:.0e}"),
        ("bytes that left", lambda one: f"{one['sent']['bytes']:,}"),
        ("ledger", lambda one: "verified" if one["ledger"]["verified"] else "DOES NOT VERIFY"),
    ):
        table.add_row(label, *(cell(one) for one in laptops))
    stage.console.print(table)
    stage.say("[dim]Unit of epsilon: one session of work, per day of data, over all rounds.[/]")


def _mean(laptops: list[dict[str, Any]], name: str) -> float:
    return sum(float(one["scores"][name]["hit1"]) for one in laptops) / len(laptops)


def _quietly(command: Any, *arguments: str) -> None:
    with suppress(CommandFailedError):
        command(*arguments)
