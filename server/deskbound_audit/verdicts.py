"""Verdicts for people (a table) and for programs (JSON). No dates: rounds are the finest time."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from deskbound_audit.epsilon import BlockLoss
from deskbound_audit.log import LogVerdict
from deskbound_audit.verify import Verdict
from deskbound_strategies.log_rules import LogRules

SHOWN_DIGITS = 8  # of a fingerprint: enough to tell devices of one fleet apart


def as_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts as JSON values, one object a file."""
    return [_as_object(verdict) for verdict in verdicts]


def as_table(verdicts: Sequence[Verdict], *, keys_known: bool) -> RenderableType:
    """Return the verdicts as a table with the words it needs to be read."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", width=1)
    table.add_column("file", overflow="fold")
    table.add_column("device", no_wrap=True)
    for name in ("entries", "rounds", "uploads", "sent", "refused", "ε", "2nd"):
        table.add_column(name, justify="right", no_wrap=True)
    for verdict in verdicts:
        table.add_row(*_row(verdict))
    return Group(table, *(Text(line) for line in _notes(verdicts, keys_known=keys_known)))


def log_lines(verdict: LogVerdict) -> RenderableType:
    """Return what came of a log, in words."""
    found = verdict.log
    if found is None or verdict.error is not None:
        why = "" if verdict.error is None else verdict.error.sentence
        return Text.assemble(("✗ ", "bold red"), f"{verdict.path.name}: {why}")
    rules = found.rules
    signed = ", ".join(verdict.cosigned_by) or "no witness that was named"
    return Text.assemble(
        ("✓ ", "bold green"),
        f"{verdict.path.name}: log {found.head.origin}, {found.head.size:,} leaves;\n"
        f"  {len(rules.contracts):,} contracts, {len(rules.released):,} models, receipts of "
        f"{len(rules.anchors):,} laptops; each leaf keeps to the rules.\n"
        f"{_releases(rules)}  Its head is vouched for by {signed}.",
    )


def _releases(rules: LogRules) -> str:
    """Say which reviewers signed what laptops may run; nothing where nobody did."""
    signed = Counter(one.reviewer for one in rules.releases.values())
    lines = (f"  {count:,} signed by reviewer {key}.\n" for key, count in sorted(signed.items()))
    return f"  {len(rules.releases):,} releases:\n{''.join(lines)}" if signed else ""


def _as_object(verdict: Verdict) -> dict[str, Any]:
    summary, loss = verdict.summary, verdict.loss
    if summary is None:
        return {"file": verdict.name, "accepted": False, "problem": verdict.problem}
    return {
        "file": verdict.name,
        "accepted": True,
        "device": summary.key_fingerprint,
        "head": summary.head,
        "entries": summary.entries,
        "kinds": {kind.value: count for kind, count in sorted(summary.kinds.items())},
        "rounds": len(summary.rounds),
        "uploads": summary.uploads,
        "bytes_sent": summary.bytes_out,
        "refusals": dict(sorted(summary.refusals.items())),
        "blocks": len(summary.charges),
        "worst_block": None if loss is None else _loss_object(loss),
    }


def _loss_object(loss: BlockLoss) -> dict[str, Any]:
    return {
        "unit": loss.unit,
        "delta": loss.delta,
        "epsilon_prv": _finite(loss.epsilon_prv),
        "epsilon_renyi": _finite(loss.epsilon_renyi),
        "epsilon_dp_accounting": loss.epsilon_second,
        "accountants_agree": loss.agreed,
        "rounds": loss.rounds,
    }


def _finite(value: float) -> float | None:
    """Return ``None`` for an unbounded loss: JSON has no infinity."""
    return value if math.isfinite(value) else None


def _row(verdict: Verdict) -> tuple[RenderableType, ...]:
    summary, loss = verdict.summary, verdict.loss
    if summary is None:
        return (Text("✗", style="bold red"), Text(verdict.name), Text("-"), *("-",) * 7)
    return (
        Text("✓", style="bold green"),
        Text(verdict.name),
        Text(summary.key_fingerprint[:SHOWN_DIGITS]),
        f"{summary.entries:,}",
        f"{len(summary.rounds):,}",
        f"{summary.uploads:,}",
        decimal(summary.bytes_out),
        f"{summary.refusals.total():,}",
        "0" if loss is None else f"{loss.epsilon_prv:.2f}",
        "-" if loss is None or loss.epsilon_second is None else f"{loss.epsilon_second:.2f}",
    )


def _notes(verdicts: Sequence[Verdict], *, keys_known: bool) -> Iterator[str]:
    for verdict in verdicts:
        if not verdict.accepted:
            yield f"✗ {verdict.name}: {verdict.problem}"
    refusals: Counter[str] = Counter()
    for verdict in verdicts:
        refusals += verdict.summary.refusals if verdict.summary else Counter()
    for code, count in sorted(refusals.items()):
        yield f"  refused {count:,} times: {code}"
    for unit, delta in sorted({(v.loss.unit, v.loss.delta) for v in verdicts if v.loss}):
        yield f"  ε: upper bound for one {unit}, add/remove one, at delta {delta:g},"
        yield "  in the most charged block; 2nd: the same from dp-accounting."
    for verdict in verdicts:
        if verdict.loss is not None and not verdict.loss.agreed:
            yield f"  {verdict.name}: the two accountants differ; take the higher figure."
    if not keys_known:
        yield "  No --key or --keys: whose the files are was not checked."
