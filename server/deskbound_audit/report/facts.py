"""Every number of a fleet's report, worked out in one place; no laptop is told from another."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deskbound_audit import log
from deskbound_audit.intake import Asked
from deskbound_audit.report.checks import Check, checks
from deskbound_audit.report.spending import agreement, delta_of, per_day, per_person, spent_by
from deskbound_audit.report.spread import spread
from deskbound_audit.verify import Stage, Verdict
from deskbound_strategies.combining import combining_words
from deskbound_strategies.errors import RefusalCode
from deskbound_strategies.floor import PolicyFloor
from deskbound_strategies.ledger_export import LedgerSummary
from deskbound_strategies.refusal_words import REFUSED

FORMAT = "deskbound-report/1"


@dataclass(frozen=True, slots=True)
class Given:
    """What a report is made from.

    Attributes:
        verdicts: of the ledgers.
        logs: of the servers' logs.
        floor: that the laptops are said to have, if it was given.
        asked: what the files were held to.
    """

    verdicts: Sequence[Verdict]
    logs: Sequence[log.LogVerdict] = ()
    floor: PolicyFloor | None = None
    asked: Asked = field(default_factory=Asked)

    @property
    def summaries(self) -> list[LedgerSummary]:
        """The ledgers that verified."""
        return [one.summary for one in self.verdicts if one.summary is not None]


def facts(given: Given) -> dict[str, Any]:
    """Return all facts as JSON values; a bound that does not exist is null."""
    summaries = given.summaries
    found: dict[str, Any] = {
        "format": FORMAT,
        "ledgers": _ledgers(given),
        "logs": [log.as_dict(one) for one in given.logs],
        "floor": None if given.floor is None else _floor(given.floor, summaries),
        "per_day": None,
        "per_person": None,
        "accountants": None,
        "refusals": _refusals(summaries),
        "participation": _participation(given),
        "sent": _sent(summaries),
    }
    delta = given.asked.delta or delta_of(summaries, given.floor)
    charged = [one for one in summaries if one.charges]
    if charged and delta is not None:
        spent = spent_by(charged, delta)
        found["per_day"] = per_day(spent, given.floor)
        found["per_person"] = per_person(charged, spent)
        found["accountants"] = agreement(spent)
    results = checks(found, known_keys=len(given.asked.known_keys), quorum=given.asked.quorum)
    found["checks"] = [one.as_dict() for one in results]
    found["problems"] = [*_wrong_files(given), *(one.words for one in results if _failed(one))]
    found["sound"] = not found["problems"]
    return found


def _failed(check: Check) -> bool:
    return check.passed is False and not check.files


def _wrong_files(given: Given) -> list[str]:
    ledgers = [f"{one.name}: {one.problem}" for one in given.verdicts if not one.accepted]
    logs = [f"{one.path.name}: {one.error.sentence}" for one in given.logs if one.error is not None]
    return ledgers + logs


def _ledgers(given: Given) -> dict[str, Any]:
    summaries = given.summaries
    return {
        "files": len(given.verdicts),
        "verified": len(summaries),
        "failed_at": {
            stage: count
            for stage in Stage
            if (count := sum(one.failed is stage for one in given.verdicts))
        },
        "entries": sum(one.entries for one in summaries),
        "reserves": sum(one.claims.total() for one in summaries),
        "paid_contracts": sum(len(one.paid) for one in summaries),
        "every_signature": given.asked.every_signature,
    }


def _floor(floor: PolicyFloor, summaries: Sequence[LedgerSummary]) -> dict[str, Any]:
    digest = floor.digest()
    in_force = Counter(one.floor for one in summaries)
    unnamed = in_force.pop("", 0)
    return {
        "profile": floor.profile,
        "digest": digest,
        "epsilon_day": floor.epsilon_day,
        "delta_day": floor.delta_day,
        "minimum_cohort": floor.minimum_cohort,
        "laptops_under_it": in_force.pop(digest, 0),
        "laptops_under_others": in_force.total(),
        "laptops_naming_none": unnamed,
    }


def _refusals(summaries: Sequence[LedgerSummary]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    laptops: Counter[str] = Counter()
    for one in summaries:
        counts.update(one.refusals)
        laptops.update(set(one.refusals))
    return {
        "total": counts.total(),
        "codes": [
            {
                "code": code,
                "times": times,
                "laptops": laptops[code],
                "words": REFUSED[RefusalCode(code)],
            }
            for code, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ],
    }


def _participation(given: Given) -> dict[str, Any]:
    """Return how many took part in each round, by the logs and by the ledgers; never who."""
    by_ledgers = Counter(digest for one in given.summaries for digest in one.released)
    told: dict[str, Any] = {
        "contracts_answered_by_ledgers": len(by_ledgers),
        "answers_by_ledgers": by_ledgers.total(),
        "uploads_a_laptop": spread(len(one.released) for one in given.summaries),
    }
    rules = [one.log.rules for one in given.logs if one.log is not None]
    if not rules:
        return told | {"rounds": None}
    rounds, matched = [], 0
    for one in rules:
        for digest, contract in one.contracts.items():
            receipts = len(one.receipts[digest])
            matched += min(receipts, by_ledgers[digest])
            rounds.append(
                {
                    "receipts": receipts,
                    "minimum_cohort": contract.minimum_cohort,
                    "released": (contract.run, contract.round) in one.released,
                }
            )
    receipts = sum(row["receipts"] for row in rounds)
    contracts = [contract for one in rules for contract in one.contracts.values()]
    return told | {
        "rounds": rounds,
        "aggregations": _counted(one.aggregation for one in contracts),
        "combined": _counted(combining_words(one.aggregation, one.told_mean) for one in contracts),
        "laptops_in_log": sum(len(one.anchors) for one in rules),
        "rounds_released": sum(len(one.released) for one in rules),
        "receipts": receipts,
        "receipts_matched": matched,
        "answers_unlogged": by_ledgers.total() - matched,
    }


def _counted(every: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(every).items()))


def _sent(summaries: Sequence[LedgerSummary]) -> dict[str, Any]:
    uploads = sum(one.uploads for one in summaries)
    return {
        "uploads": uploads,
        "bytes": sum(one.bytes_out for one in summaries),
        "reserved_unsent": sum(one.claims.total() for one in summaries) - uploads,
        "by_task": _by_task(summaries),
    }


def _by_task(summaries: Sequence[LedgerSummary]) -> dict[str, int]:
    """Return how many updates left for each task; those of older clients, which tell none, last."""
    tasks = Counter(one.paid[name].task or "" for one in summaries for name in one.released)
    untold = tasks.pop("", 0)
    return dict(sorted(tasks.items())) | ({"(not told)": untold} if untold else {})
