"""The last acts: measure, audit, and collect everything that the report shows."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from demo.acts import Stage
from demo.commands import Laptop
from demo.evidence import tamper, verify_ledger
from deskbound_strategies.vocabulary import TOKENS

TAMPERINGS = 4  # of each ledger
SCORES = (
    "most frequent", "repeat last", "Markov 1", "Markov 2", "own counts", "before",
    "shared model", "personal model",
)  # fmt: skip
GUARANTEE = (
    "Unit: one session of work (at most ten minutes and 256 actions); adding or removing one "
    "session of a day changes the probability of anything a laptop ever sent by at most a factor "
    "of e to the ε, except with probability δ = {delta:.0e}. ε is per day of data, composed over "
    "all rounds; it holds whatever the server and all colleagues do."
)


def look_back(stage: Stage) -> dict[str, Any]:
    """Measure, audit and collect everything the report shows."""
    stage.act("5. What came of it, and what it cost")
    run = stage.server.ask("runs", stage.run)
    models = stage.folder / "models"
    models.mkdir()
    rounds = [row for row in run["rounds"] if row["model_out"]]
    for row in rounds:
        row["file"] = str(models / f"round-{row['round']}.bin")
        stage.server.command("model", "export", row["model_out"], "--to", row["file"])
    laptops = [_account(stage, laptop, rounds) for laptop in stage.laptops]
    _tell(stage, laptops)
    ledgers = [Path(one["ledger"]["file"]) for one in laptops]
    tried = TAMPERINGS * len(ledgers)
    with stage.busy(f"An auditor changes one byte of a ledger, {tried} times"):
        found = sum(tamper(path, TAMPERINGS, seed) for seed, path in enumerate(ledgers))
    stage.say(f"{found} of {tried} changes were found.")
    audit = _audit(stage, laptops)
    rival = max(("most frequent", "repeat last"), key=lambda name: _mean(laptops, name))
    return {
        "when": datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
        "rounds": len(rounds),
        "floor": {"epsilon_day": laptops[0]["budget"]["epsilon_cap"],
                  "words": laptops[0]["budget"]["words"]},
        "guarantee": GUARANTEE.format(**laptops[0]["budget"]),
        "live": stage.live,
        "vocabulary_size": len(TOKENS),
        "score_names": SCORES,
        "laptops": laptops,
        "mean": {"after": _mean(laptops, "shared model"), "rival": _mean(laptops, rival),
                 "rival_name": rival, "markov1": _mean(laptops, "Markov 1"),
                 "markov2": _mean(laptops, "Markov 2"), "own": _mean(laptops, "own counts"),
                 "personal": _mean(laptops, "personal model")},
        "tamper": {"tried": tried, "found": found},
        "audit": audit,
        "round_rows": run["rounds"],
    }  # fmt: skip


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


def _audit(stage: Stage, laptops: list[dict[str, Any]]) -> dict[str, Any]:
    """Let the privacy team write its report on the fleet, from files alone."""
    stage.act("6. The privacy team's report")
    team = stage.team
    log, keys, out = team.home / "log.jsonl", team.home / "fleet-keys.txt", team.home / "report"
    stage.server.command("log", "export", str(log))
    keys.write_text("".join(one["budget"]["device"] + "\n" for one in laptops), encoding="utf-8")
    floor = stage.laptops[0].home / "floor.toml"
    ledgers = [one["ledger"]["file"] for one in laptops]
    with stage.busy("deskbound-audit report: log, ledgers, floor and witness, every figure anew"):
        told = team.audit(
            "report", str(log), *ledgers, "--keys", str(keys), "--floor", str(floor),
            "--witness", stage.witness, "--quorum", "1", "--out", str(out),
        )  # fmt: skip
    found: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    checks = found["checks"]
    held = sum(one["passed"] is True for one in checks)
    for line in told.strip().splitlines()[-6:-2]:
        stage.say(line)
    stage.say(f"{held} of {len(checks)} checks hold: {out / 'report.html'}")
    return {"checks": checks, "sound": found["sound"], "page": "privacy-team/report/report.html"}


def _tell(stage: Stage, laptops: list[dict[str, Any]]) -> None:
    table = Table("hit@1 / hit@5 on a held-out day", *(one["name"] for one in laptops), box=None)
    for name in SCORES:
        cells = [
            f"{one['scores'][name]['hit1']:.3f} / {one['scores'][name]['hit5']:.3f}"
            for one in laptops
        ]
        table.add_row(name, *cells, style="bold green" if name == "shared model" else None)
    budgets = [one["budget"] for one in laptops]
    table.add_row("epsilon, dearest day", *(f"{one['worst_epsilon']:.2f}" for one in budgets))
    table.add_row("delta", *(f"{one['delta']:.0e}" for one in budgets))
    table.add_row("bytes that left", *(f"{one['sent']['bytes']:,}" for one in laptops))
    verdicts = ("DOES NOT VERIFY", "verified")
    table.add_row("ledger", *(verdicts[one["ledger"]["verified"]] for one in laptops))
    stage.console.print(table)
    stage.say("[dim]Unit of epsilon: one session of work, per day of data, over all rounds.[/]")


def _mean(laptops: list[dict[str, Any]], name: str) -> float:
    return sum(float(one["scores"][name]["hit1"]) for one in laptops) / len(laptops)
