"""Run: the round in progress, how good its models are, what it cost, round by round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_server.evaluation import NOTE, NOTHING, WORDS, evaluated
from deskbound_server.evaluation import lines as lines_of
from deskbound_server.follow import Sight, look
from deskbound_server.lineage import leaf_of
from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.presence import FEW
from deskbound_server.publication import in_words
from deskbound_server.schema import RoundRow, RoundState
from deskbound_server.scores import Score
from deskbound_server.ui import pictures
from deskbound_server.ui.figures import codes_of, counted_epsilon, models_of, summary_of
from deskbound_server.ui.page import office_of, part, part_if_new, render
from deskbound_server.ui.words import plan_words, settings_of
from deskbound_strategies.contract import PAYLOAD_TYPE, RoundContract
from deskbound_strategies.dp_fedavg import Progress
from deskbound_strategies.dsse import payload_of
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.policy import PROFILES

PATH, TITLE = "/run", ""


@dataclass(frozen=True, slots=True)
class Line:
    """One attempt of a round, as the table tells it."""

    row: RoundRow
    log_index: int | None
    score: Score | None
    epsilon: float
    why: str


def show(request: Request) -> Response:
    """Show the page."""
    sight, progress = _look(request)
    summary = summary_of(sight)
    return render(
        request,
        "run.html",
        here="/",  # in the menu it stands under Runs
        run=sight.run.id,
        summary=summary,
        sentences=plan_words(summary.plan),
        settings=settings_of(summary.plan),
        now=part(request, "run_now.html", **_now(request, sight, progress)),
        figures=part(request, "run_figures.html", **_figures(request, sight)),
    )


def live_now(request: Request) -> Response:
    """Show how the round in progress stands, if it is not what the page shows already."""
    sight, progress = _look(request)
    return part_if_new(request, "run_now.html", **_now(request, sight, progress))


def live_figures(request: Request) -> Response:
    """Show figures and rounds anew, if they are not what the page shows already."""
    sight, _ = _look(request)
    return part_if_new(request, "run_figures.html", **_figures(request, sight))


def _look(request: Request) -> tuple[Sight, Progress | None]:
    office = office_of(request)
    with office.database() as database:
        name = database.find_run(request.path_params["run"]).id
        sight = look(office.home.run, database, name)
        row = _open_round(sight)
        return sight, None if row is None else database.progress(row.digest)


def _open_round(sight: Sight) -> RoundRow | None:
    last = sight.rounds[-1] if sight.rounds else None
    going = sight.conducted and not sight.over
    return last if last is not None and going and last.state is RoundState.OPEN else None


def _now(request: Request, sight: Sight, progress: Progress | None) -> dict[str, Any]:
    row = _open_round(sight)
    left = 0.0
    if row is not None:
        contract = RoundContract.from_bytes(payload_of(row.envelope, PAYLOAD_TYPE))
        left = contract.deadline - office_of(request).now()
    summary = summary_of(sight)
    few = progress is not None and progress.asked < FEW
    return {
        "run": sight.run.id,
        "summary": summary,
        "round": row,
        "progress": None if few else progress,
        "few": few,
        "left": left,
        "goes_on": not sight.over,
        "share": None if few else pictures.progress_of(progress, summary.plan.minimum_cohort),
    }


def _figures(request: Request, sight: Sight) -> dict[str, Any]:
    office, summary = office_of(request), summary_of(sight)
    plan, rows = summary.plan, sight.rounds
    models = models_of(rows)
    tried = office.trials.of(plan, list(models))
    epsilons = counted_epsilon(plan, rows)
    cap = PROFILES[plan.profile].epsilon_day
    with office.database() as database:
        lines = [
            Line(
                row=row,
                log_index=office.log_index.of(database, leaf_of(row))
                if row.state is RoundState.RELEASED
                else None,
                score=tried.scores.get(row.model_out),
                epsilon=epsilon,
                why=in_words(row.check),
            )
            for row, epsilon in zip(rows, epsilons, strict=True)
        ]
    refused, rejected = codes_of(rows)
    return {
        **_hits(plan, rows, ModelStore(office.home.models)),
        "run": sight.run.id,
        "summary": summary,
        "lines": lines,
        "tried": tried,
        "right": pictures.right(models, tried),
        "loss": pictures.loss(rows),
        "epsilon": pictures.epsilon(rows, epsilons, cap),
        "cohorts": pictures.cohorts(rows),
        "counted": epsilons[-1] if epsilons else 0.0,
        "cap": cap,
        "unit": plan.unit,
        "refused": refused,
        "rejected": rejected,
        "goes_on": not sight.over or bool(tried.waiting),
    }


def _hits(plan: RoundPlan, rows: Sequence[RoundRow], models: ModelStore) -> dict[str, Any]:
    try:
        hits = evaluated(plan, rows, models)
    except DeskboundError as error:  # the rest of the page does not need these files
        return {"tries": True, "hits": [], "hits_note": f"{error.sentence} {error.mend}"}
    if not hits:
        return {"tries": hits is not None, "hits": [], "hits_note": NOTHING}
    figures = lines_of(hits)
    told = [(name, list(zip(WORDS.values(), each, strict=True))) for name, each in figures]
    return {"tries": True, "hits": told, "hits_note": NOTE}


routes = [
    Route("/run/{run}", show),
    Route("/live/run/{run}/now", live_now),
    Route("/live/run/{run}/figures", live_figures),
]
