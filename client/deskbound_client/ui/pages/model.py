"""Personal model: the shared model with your own actions beside it, and what it expects next.

Measuring takes seconds and a process of its own, so it is begun with a button and looked after by
the page. What was found is kept in memory, until the pages are locked or anything is forgotten, and
nowhere else.
"""

import threading
from dataclasses import dataclass, field

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskbound_client.config import load_config
from deskbound_client.employee.measuring import Measuring
from deskbound_client.employee.model import OWN, PERSONAL, SHARED, Measured, Question, ask
from deskbound_client.employee.receipts import receipts
from deskbound_client.employee.sent import received
from deskbound_client.ui.desk import Notice
from deskbound_client.ui.page import back, desk_of, render
from deskbound_strategies.errors import DeskboundError
from deskbound_strategies.pages import charts
from deskbound_strategies.pages.answers import wants_part

PATH, TITLE = "/model", "Personal model"
PART = "/live/model"
NAMES = {
    "most frequent": "Always what you do most",
    "repeat last": "The same again",
    "most recently used": "What you did lately",
    "Markov 1": "What usually follows one step (Markov 1)",
    "Markov 2": "What usually follows two steps (Markov 2)",
    "before": "The model before it learned",
    SHARED: "The shared model",
    OWN: "What you did, counted on all along",
    PERSONAL: "Personal: the shared model, and what you did",
}


@dataclass(slots=True)
class Job:
    """One measuring, from the button to its result.

    Attributes:
        running: the process at work; None when there is none.
        found: what it found.
        failed: what went wrong.
        forgotten: how often anything was forgotten before it began.
    """

    running: Measuring | None = None
    found: Measured | None = None
    failed: DeskboundError | None = None
    forgotten: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, question: Question, threads: int) -> None:
        """Start a process and look after it, in a thread of its own.

        The system ends the process with the thread that started it, and those that answer pages
        come and go: so one thread does both.
        """
        started = threading.Event()
        self.found, self.failed = None, None
        threading.Thread(target=self._work, args=(question, threads, started), daemon=True).start()
        started.wait()

    def forget(self) -> None:
        """Drop what was found, or is being found: it speaks of rows that are gone."""
        with self.turn:
            running, self.running, self.found, self.failed = self.running, None, None, None
        if running is not None:
            running.stop()

    def _work(self, question: Question, threads: int, started: threading.Event) -> None:
        found, failed = None, None
        try:
            measuring = self.running = Measuring(question, threads)
        finally:
            started.set()
        try:
            found = measuring.wait()
        except DeskboundError as error:
            failed = error
        with self.turn:
            if self.running is measuring:
                self.running, self.found, self.failed = None, found, failed


def show(request: Request) -> Response:
    """Show the page, or the part of it that changes by itself."""
    desk, job = desk_of(request), _job(request)
    with desk.vault() as vault:
        if len(receipts(vault)) != job.forgotten:
            job.forget()
    template = "model_part.html" if wants_part(request) else "model.html"
    return render(
        request,
        template,
        job=job,
        received=received(desk.paths),
        rows=[] if job.found is None else _rows(job.found),
        guesses=[] if job.found is None else _guesses(job.found),
    )


def measure(request: Request) -> Response:
    """Begin to measure; what is being measured already goes on."""
    desk, job = desk_of(request), _job(request)
    with job.turn:
        if job.running is None:
            config = load_config(desk.paths.config)
            with desk.vault() as vault:
                question = ask(vault, [desk.paths.model_weights], config.holdout_days)
                job.forgotten = len(receipts(vault))
            job.begin(question, config.torch_threads)
    return back(request, PATH)


def stop(request: Request) -> Response:
    """End the measuring."""
    job = _job(request)
    with job.turn:
        running, job.running = job.running, None
    if running is None:
        return back(request, PATH)
    running.stop()
    return back(request, PATH, Notice("Stopped measuring."))


def _job(request: Request) -> Job:
    """Return the one job of these pages; it is gone with them."""
    state = request.app.state
    if not hasattr(state, "measuring"):
        state.measuring = Job()
    job: Job = state.measuring
    return job


def _rows(found: Measured) -> list[tuple[str, bool, float, float, Markup]]:
    """Return of each score its name, whether it is the model's, and how often it is right."""
    return [
        (
            NAMES.get(name, name),
            name == PERSONAL,
            score.hit1,
            score.hit5,
            charts.bar(score.hit1, f"right {score.hit1:.1%} of the time", mark=score.hit5),
        )
        for name, score in found.scores.items()
    ]


def _guesses(found: Measured) -> list[tuple[str, float, Markup]]:
    return [
        (guess.words, guess.probability, charts.bar(guess.probability, f"{guess.probability:.0%}"))
        for guess in found.next
    ]


routes = [
    Route(PATH, show),
    Route(PART, show),
    Route("/model/measure", measure, methods=["POST"]),
    Route("/model/stop", stop, methods=["POST"]),
]
