"""What was checked for a report, and what was not, in words that name the files it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deskbound_audit.verify import Stage


@dataclass(frozen=True, slots=True)
class Check:
    """One check and what came of it.

    Attributes:
        what: was checked.
        passed: whether it held; None when there was nothing to check it with.
        words: how much was checked, or what is missing.
        source: where the numbers come from.
        files: whether its failures are those of single files, which are named elsewhere.
    """

    what: str
    passed: bool | None
    words: str
    source: str
    files: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return {
            "what": self.what,
            "passed": self.passed,
            "words": self.words,
            "source": self.source,
        }


def checks(found: Mapping[str, Any], *, known_keys: int, quorum: int) -> list[Check]:
    """Return all checks of a report.

    Args:
        found: the facts so far.
        known_keys: how many laptops were named as the fleet's.
        quorum: how many witnesses were asked for.
    """
    ledgers, logs = found["ledgers"], found["logs"]
    return [
        _chain(ledgers),
        _known(ledgers, known_keys),
        _claims(ledgers),
        _alone(ledgers),
        *_spending(found),
        *(check for one in logs for check in _log(one, quorum)),
        *_matched(found, logs),
        *_floor(found["floor"]),
    ]


def _of_files(
    ledgers: Mapping[str, Any], stage: Stage, what: str, words: str, source: str
) -> Check:
    """Return a check that each ledger went through by itself, or failed, or never came to.

    Args:
        ledgers: the facts about them.
        stage: what is checked.
        what: see ``Check``.
        words: how much there was to check.
        source: see ``Check``.
    """
    stages = list(Stage)
    failed = ledgers["failed_at"]
    wrong = failed.get(stage, 0)
    unseen = sum(failed.get(earlier, 0) for earlier in stages[: stages.index(stage)])
    seen = ledgers["files"] - unseen
    if wrong:
        words += f"; {wrong:,} of {seen:,} ledgers failed"
    if unseen:
        words += f"; {unseen:,} failed at something else first, and were not looked at"
    return Check(what, _came_of(wrong, unseen, seen), words, source, files=True)


def _came_of(wrong: int, unseen: int, seen: int) -> bool | None:
    if wrong:
        return False
    return None if unseen or not seen else True


def _chain(ledgers: Mapping[str, Any]) -> Check:
    depth = (
        "each signature"
        if ledgers["every_signature"]
        else "the head's signature, which covers each"
    )
    return _of_files(
        ledgers,
        Stage.WHOLE,
        "Each ledger is whole: every entry names the one before it, and the laptop signed it.",
        f"{ledgers['files']:,} ledgers; {ledgers['entries']:,} entries in those that hold; {depth},"
        " checked",
        "ledgers: every line",
    )


def _known(ledgers: Mapping[str, Any], known_keys: int) -> Check:
    what = "Each ledger is that of a laptop of this fleet."
    if not known_keys:
        return Check(what, None, "no --keys given: whose the ledgers are was not checked", "--keys")
    words = f"{known_keys:,} laptops named"
    return _of_files(ledgers, Stage.KNOWN, what, words, "ledgers: line 1; --keys")


def _claims(ledgers: Mapping[str, Any]) -> Check:
    what = "Clip, lattice and noise of each round fit together, and none states less than it costs."
    words = f"{ledgers['reserves']:,} charges to budgets in those that hold"
    source = "ledgers: entries `reserve`"
    if not ledgers["reserves"] and Stage.CLAIMS not in ledgers["failed_at"]:
        return Check(what, None, "no charges to budgets", source)
    return _of_files(ledgers, Stage.CLAIMS, what, words, source)


def _alone(ledgers: Mapping[str, Any]) -> Check:
    return _of_files(
        ledgers,
        Stage.ALONE,
        "No laptop signed two ledgers that go apart: no vault was copied or put back.",
        "of several exports of one laptop the newest counts",
        "ledgers: every line",
    )


def _spending(found: Mapping[str, Any]) -> Iterator[Check]:
    day, accountants = found["per_day"], found["accountants"]
    if day is None:
        return
    compared, apart = accountants["compared"], accountants["largest_difference"]
    yield Check(
        "Two accountants that share no code come to the same epsilon.",
        apart <= accountants["tolerance"] if compared else None,
        f"each laptop's dearest day, {compared:,} different; apart by at most {apart:.2%}"
        if compared
        else "dp-accounting is not installed, or no figure is worth comparing",
        "Opacus (PRV) and dp-accounting (PLD), from entries `reserve`",
    )
    cap, above = day["cap"], day["above_cap"]
    yield Check(
        "No day of data gave away more than the policy floor allows.",
        None if cap is None else above == 0,
        "no --floor given"
        if cap is None
        else f"{day['days']:,} charged days, {above:,} above epsilon {cap:g}",
        "Renyi filter over entries `reserve`; --floor",
    )


def _log(one: Mapping[str, Any], quorum: int) -> Iterator[Check]:
    what = "The log keeps to its rules: one model a round, each contract before its receipts."
    if "size" not in one:
        yield Check(what, passed=False, words=one["error"], source=one["file"], files=True)
        return
    yield Check(
        what,
        passed=True,
        words=f"{one['size']:,} leaves of {one['origin']}, {one['releases']:,} of them signed"
        " releases",
        source=f"{one['file']}: every leaf, the root, the checkpoint",
    )
    signed = one["cosigned_by"]
    yield Check(
        "Everybody is shown the same log: the witnesses asked for vouch for its head.",
        len(signed) >= quorum if quorum else None,
        f"cosigned by {', '.join(signed) or 'no witness that was named'};"
        f" {quorum or 'none'} asked for",
        f"{one['file']}: the checkpoint; --witness, --quorum",
        files=True,
    )


def _matched(found: Mapping[str, Any], logs: list[Any]) -> Iterator[Check]:
    what = "Whatever a laptop paid for was asked of everybody, on the same terms."
    if not logs:
        yield Check(what, None, "no log given", "a log, from deskbound-server log export")
        return
    ledgers, part = found["ledgers"], found["participation"]
    yield _of_files(
        ledgers,
        Stage.LOGGED,
        what,
        f"{ledgers['paid_contracts']:,} rounds paid for by those that hold, each found in a log",
        "ledgers: entries `reserve`, field contract; log: contract leaves",
    )
    if part["rounds"] is None:
        return
    missing = part["receipts"] - part["receipts_matched"]
    yield Check(
        "All ledgers are here: each receipt of the log belongs to an update in one of them.",
        None if missing else True,
        f"{part['receipts_matched']:,} of {part['receipts']:,} receipts"
        + (f"; for {missing:,} the ledger was not handed in, or is older" if missing else ""),
        "log: receipt leaves; ledgers: entries `release`",
    )


def _floor(floor: Mapping[str, Any] | None) -> Iterator[Check]:
    if floor is None:
        return
    others, under = floor["laptops_under_others"], floor["laptops_under_it"]
    yield Check(
        "Each laptop had this policy floor in force at last.",
        None if others else True,
        f"{under:,} had it, {others:,} another one",
        "ledgers: entries `policy`; --floor",
    )
