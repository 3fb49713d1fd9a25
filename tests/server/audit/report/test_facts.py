"""Every number of a report, against the files it came from, read here by nothing but ``json``."""

import base64
import json
import math
from collections import Counter

import pytest
from dp_accounting.rdp import rdp_privacy_accountant as theirs

from deskbound_audit.intake import Asked, verify_all
from deskbound_audit.report.facts import Given, facts
from deskbound_strategies.accounting import FILTER_ORDERS, noise_delta
from deskbound_strategies.floor import PROFILES, PolicyFloor
from tests.helpers.fleet import a_fleet

LAPTOPS, ROUNDS = 6, 3
FLOOR = PROFILES["research"]


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return a_fleet(LAPTOPS, ROUNDS).write(tmp_path_factory.mktemp("fleet"))


def report(files, floor: PolicyFloor | None = FLOOR, **asked):
    held = Asked(**asked)
    logs, verdicts = verify_all(files, held)
    found = facts(Given(verdicts, logs, floor, held))
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.fixture(scope="module")
def found(papers):
    return report(papers)


@pytest.fixture(scope="module")
def entries(papers):
    """What each ledger says, as anybody can read it."""

    def read(path):
        lines = path.read_bytes().splitlines()[1:-1]
        return [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in lines]

    return [read(path) for path in papers[1:]]


def of_kind(ledger, kind):
    return [entry["body"] for entry in ledger if entry["kind"] == kind]


def test_counts_are_those_of_the_lines(found, entries):
    reserves = [body for ledger in entries for body in of_kind(ledger, "reserve")]
    releases = [body for ledger in entries for body in of_kind(ledger, "release")]
    tasks = {body["contract"]: body["task"] for body in reserves}
    assert found["ledgers"]["files"] == found["ledgers"]["verified"] == LAPTOPS
    assert found["ledgers"]["entries"] == sum(map(len, entries))
    assert found["ledgers"]["reserves"] == len(reserves)
    assert found["sent"] == {
        "uploads": len(releases),
        "bytes": sum(body["bytes"] for body in releases),
        "reserved_unsent": len(reserves) - len(releases),
        "by_task": Counter(tasks[body["contract"]] for body in releases),
    }
    assert found["sent"]["reserved_unsent"] == 1


def test_refusals_are_counted_by_code_and_by_laptop(found, entries):
    codes = Counter(body["code"] for ledger in entries for body in of_kind(ledger, "refuse"))
    told = {row["code"]: row["times"] for row in found["refusals"]["codes"]}
    assert told == codes == {"sigma-too-low": 1, "log-proof": 1}
    assert found["refusals"]["total"] == 2
    assert all(
        row["laptops"] == 1 and row["words"].endswith(".") for row in found["refusals"]["codes"]
    )


def vouched(times: int, body) -> float:
    """The filter's figure, from the other accountant's curve and the formula in the paper."""
    curve = theirs._compute_rdp_poisson_subsampled_gaussian(
        body["sampling_rate"], body["noise_multiplier"], FILTER_ORDERS
    )
    steps = times * body["steps"]
    share = math.log((FLOOR.delta_day - noise_delta(steps)) / len(FILTER_ORDERS))
    return min(
        steps * at + math.log1p(-1 / order) - (share + math.log(order)) / (order - 1)
        for order, at in zip(FILTER_ORDERS, curve, strict=True)
    )


def test_the_budget_of_days_is_that_of_the_reserves(found, entries):
    charged = Counter(
        block
        for ledger in entries
        for body in of_kind(ledger, "reserve")
        for block in body["blocks"]
    )
    body = of_kind(entries[0], "reserve")[0]
    day = found["per_day"]
    figures = sorted(vouched(times, body) for times in charged.values())
    assert day["days"] == len(charged) == sum(day["histogram"]["counts"])
    assert day["epsilon_filter"]["largest"] == pytest.approx(figures[-1], rel=1e-6)
    assert day["epsilon_filter"]["least"] == pytest.approx(figures[0], rel=1e-6)
    assert day["epsilon_filter"]["median"] == pytest.approx(
        figures[(len(figures) - 1) // 2], rel=1e-6
    )
    assert day["rounds"]["largest"] == max(charged.values()) == ROUNDS + 1
    assert (day["delta"], day["cap"], day["above_cap"]) == (FLOOR.delta_day, FLOOR.epsilon_day, 0)
    dearest = day["dearest"]
    assert dearest["rounds"] == ROUNDS + 1
    assert [row["times"] for row in dearest["charges"]] == [ROUNDS + 1]
    assert dearest["epsilon_prv"] == pytest.approx(dearest["epsilon_dp_accounting"], rel=0.01)
    assert dearest["epsilon_prv"] <= dearest["epsilon_renyi"] <= dearest["epsilon_filter"]
    assert dearest["sure_percent"] == pytest.approx(100 / (1 + math.exp(-figures[-1])), abs=0.01)


def test_the_person_is_more_than_a_day_and_the_dearest_laptop_is_told(found, entries):
    person, day = found["per_person"], found["per_day"]
    days = [
        len({b for body in of_kind(ledger, "reserve") for b in body["blocks"]})
        for ledger in entries
    ]
    assert (person["days"]["count"], person["days"]["largest"]) == (LAPTOPS, max(days))
    assert person["composed"]["largest"] > day["dearest"]["epsilon_renyi"]
    assert person["simple"]["days"] == LAPTOPS
    body = of_kind(entries[-1], "reserve")[0]
    assert person["simple"]["epsilon"] == pytest.approx(
        LAPTOPS * vouched(ROUNDS + 1, body), rel=1e-6
    )
    assert not person["simple"]["holds"]


def test_participation_is_told_by_round_and_matches_the_log(found):
    part = found["participation"]
    whole = {"receipts": LAPTOPS, "minimum_cohort": 3, "released": True}
    assert part["rounds"] == [whole] * ROUNDS + [whole | {"receipts": 0, "released": False}]
    assert part["laptops_in_log"] == LAPTOPS
    assert part["aggregations"] == {"plain": len(part["rounds"])}
    assert part["combined"] == {"the mean of all": len(part["rounds"])}
    assert part["rounds_released"] == ROUNDS
    assert part["receipts"] == part["receipts_matched"] == LAPTOPS * ROUNDS
    assert part["answers_unlogged"] == 1, "the update whose receipt the log does not have"


def test_a_sound_fleet_is_called_sound_and_what_was_not_checked_is_said(found, papers):
    assert found["sound"]
    assert not found["problems"]
    results = {one["what"]: one["passed"] for one in found["checks"]}
    assert results["Each ledger is that of a laptop of this fleet."] is None
    assert results["No day of data gave away more than the policy floor allows."] is True
    assert results["Each laptop had this policy floor in force at last."] is None, "another one"
    without = {one["what"]: one["passed"] for one in report(papers[1:], None)["checks"]}
    assert without["No day of data gave away more than the policy floor allows."] is None
    assert without["Whatever a laptop paid for was asked of everybody, on the same terms."] is None


def test_nobody_is_named(found, papers):
    text = json.dumps(found)
    for path in papers[1:]:
        key = json.loads(path.read_bytes().splitlines()[0])["public_key"]
        assert key not in text
        assert path.name not in text
    assert "least" in found["participation"]["uploads_a_laptop"]


def test_of_few_laptops_only_the_largest_figure_is_told(papers):
    few = report(papers[:4])
    for told in (few["participation"]["uploads_a_laptop"], few["per_person"]["days"]):
        assert set(told) == {"count", "largest"}
    assert few["participation"]["receipts_matched"] == 3 * ROUNDS
    (missing,) = [one for one in few["checks"] if one["what"].startswith("All ledgers")]
    assert missing["passed"] is None
    assert "for 9 the ledger was not handed in" in missing["words"]


def test_a_day_above_the_cap_is_a_problem(papers):
    found = report(papers, PROFILES["strict"])
    assert found["per_day"]["above_cap"] == found["per_day"]["days"]
    assert not found["sound"]
    assert any("above epsilon 2" in problem for problem in found["problems"])


def test_a_ledger_that_does_not_verify_is_named_and_left_out(papers, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(papers[-1].read_bytes()[:-2] + b"\n")
    found = report([*papers[:-1], bad])
    assert not found["sound"]
    assert [problem.partition(":")[0] for problem in found["problems"]] == ["bad.jsonl"]
    assert found["ledgers"]["verified"] == LAPTOPS - 1
    assert found["checks"][0]["passed"] is False


def test_a_fleet_that_never_learned_has_a_report_too(tmp_path):
    fleet = a_fleet(1, 0)
    fleet.laptops[0].entries = fleet.laptops[0].entries[:2]
    found = report(fleet.write(tmp_path))
    assert found["per_day"] is found["per_person"] is None
    assert found["sound"]
