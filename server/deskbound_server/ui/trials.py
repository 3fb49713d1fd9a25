"""How often released models guess the next action of held-out data, and what they have to beat.

The data is public (``held_out.py``). Trying takes seconds a model, so a thread of its own does it,
newest first, and remembers what it found as long as the pages run. What is measured, and how:
``ranks.py`` and ``scores.py``, as ``deskbound-server model evaluate`` does.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from deskbound_server.model_store import ModelStore
from deskbound_server.plan import RoundPlan
from deskbound_server.scores import Score, score_of
from deskbound_strategies.errors import DeskboundError

_NAMES = ("most frequent", "repeat last", "Markov 1", "Markov 2")
Held = tuple[str, str, str]  # task, kind of held-out data, its hash


@dataclass(frozen=True, slots=True)
class Tried:
    """What is known by now.

    Attributes:
        scores: of models' guesses of the whole action, by hash.
        baselines: by name; empty until they were worked out.
        waiting: how many models are still to be tried.
        trouble: why nothing can be tried, else empty.
    """

    scores: dict[str, Score]
    baselines: dict[str, Score]
    waiting: int
    trouble: str = ""


@dataclass(slots=True)
class _Bench:
    """What is known of one set of held-out data."""

    plan: RoundPlan
    scores: dict[str, Score] = field(default_factory=dict)
    baselines: dict[str, Score] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    trouble: str = ""


class Trials:
    """Tries models in a thread that ends when there is nothing left to try.

    Args:
        models: where they are stored.
    """

    def __init__(self, models: ModelStore) -> None:
        self._models = models
        self._benches: dict[Held, _Bench] = {}
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None

    def of(self, plan: RoundPlan, hashes: Sequence[str]) -> Tried:
        """Return what is known of these models by now; the rest will be tried, the last first."""
        if plan.held_out == "none":
            return Tried({}, {}, 0, "The plan has no held-out data.")
        key = (plan.task, plan.held_out, plan.held_out_hash)
        with self._turn:
            bench = self._benches.setdefault(key, _Bench(plan))
            bench.wanted = [
                one for one in hashes if one not in bench.scores and one not in bench.gone
            ]
            found = {one: bench.scores[one] for one in hashes if one in bench.scores}
            waiting = 0 if bench.trouble else len(bench.wanted)
            if waiting and self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            return Tried(found, dict(bench.baselines), waiting, bench.trouble)

    def wait(self) -> None:
        """Wait until there is nothing left to try."""
        if (thread := self._thread) is not None:
            thread.join()

    def _next(self) -> tuple[_Bench, str] | None:
        with self._turn:
            for bench in self._benches.values():
                if bench.wanted and not bench.trouble:
                    return bench, bench.wanted[-1]
            self._thread = None
            return None

    def _work(self) -> None:
        import torch  # noqa: PLC0415 - seconds

        torch.set_num_threads(1)  # rounds on this machine go first
        while (found := self._next()) is not None:
            bench, model = found
            try:
                self._try(bench, model)
            except DeskboundError as error:
                with self._turn:
                    bench.trouble = error.sentence

    def _try(self, bench: _Bench, model: str) -> None:
        # They load torch: seconds.
        from deskbound_server.held_out import open_held_out  # noqa: PLC0415
        from deskbound_server.ranks import ranks_of_baselines, ranks_of_model  # noqa: PLC0415
        from deskbound_strategies.codec import decode  # noqa: PLC0415
        from deskbound_strategies.task import find_task  # noqa: PLC0415

        task = find_task(bench.plan.task)
        held_out = open_held_out(bench.plan, task, self._models)
        assert held_out is not None  # noqa: S101 - ``of`` asks for none where there is none
        if not bench.baselines:
            made = ranks_of_baselines(held_out.units)
            with self._turn:
                bench.baselines = {name: score_of(made[name]["action"]) for name in _NAMES}
        try:
            weights = decode(self._models.load(model), task.layout())
        except DeskboundError:  # this one is gone or damaged; the others are not
            with self._turn:
                bench.gone.add(model)
                bench.wanted = [one for one in bench.wanted if one != model]
            return
        found = score_of(ranks_of_model(task, weights, held_out.units)["action"])
        with self._turn:
            bench.scores[model] = found
            bench.wanted = [one for one in bench.wanted if one != model]
