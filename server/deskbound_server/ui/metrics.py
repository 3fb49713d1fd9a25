"""Figures for Prometheus: sums over runs and the latest run's; no label names anybody.

https://prometheus.io/docs/instrumenting/exposition_formats/. A registry of our own holds one
collector, asked anew at every scrape: nothing of this process, its Python or its machine is told.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from deskbound_server.follow import Sight
from deskbound_server.presence import Shown
from deskbound_server.schema import RoundRow, RoundState
from deskbound_server.ui.figures import Summary, codes_of, summary_of
from deskbound_server.ui.words import REJECTED
from deskbound_strategies.errors import RefusalCode

CONTENT_TYPE = CONTENT_TYPE_LATEST
_RUN_STATES = ("queued", "running", "interrupted", "finished", "failed", "stopped")
_ENDS = (RoundState.RELEASED, RoundState.HELD_BACK, RoundState.FAILED, RoundState.ABANDONED)
_KNOWN = {code.value for code in RefusalCode} | set(REJECTED)


def exposition(sights: Sequence[Sight], laptops: Shown) -> bytes:
    """Return all figures in Prometheus' text format.

    Args:
        sights: of all runs, oldest first.
        laptops: how many there are.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(sights, laptops))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, sights: Sequence[Sight], laptops: Shown) -> None:
        self._summaries = [summary_of(sight) for sight in sights]
        self._rows = [row for sight in sights for row in sight.rounds]
        self._laptops = laptops

    def collect(self) -> Iterable[Metric]:
        """Return all figures."""
        yield _labelled(
            GaugeMetricFamily, "runs", "Runs by state.", "state",
            dict.fromkeys(_RUN_STATES, 0) | Counter(one.facts.state for one in self._summaries),
        )  # fmt: skip
        yield _labelled(
            CounterMetricFamily, "rounds", "Attempts of rounds by how they ended.", "outcome",
            {end.value: sum(row.state is end for row in self._rows) for end in _ENDS},
        )  # fmt: skip
        yield from self._replies()
        facts = [one.facts for one in self._summaries]
        yield _labelled(
            CounterMetricFamily, "bytes", "Weights, contracts and updates.", "direction",
            {
                "to_laptops": sum(one.bytes_down for one in facts),
                "from_laptops": sum(one.bytes_up for one in facts),
            },
        )  # fmt: skip
        yield from self._presence()
        if self._summaries:
            yield from _latest(self._summaries[-1], self._rows)

    def _replies(self) -> Iterable[Metric]:
        refused, rejected = codes_of(self._rows)
        sums = {
            "asked": sum(row.cohort for row in self._rows),
            "admitted": sum(row.admitted for row in self._rows),
            "silent": sum(row.missing for row in self._rows),
            "refused": sum(refused.values()),
            "rejected": sum(rejected.values()),
        }
        yield _labelled(
            CounterMetricFamily, "replies", "What came of asking, summed over rounds.", "kind", sums
        )
        for name, counts in (("refusals", refused), ("rejections", rejected)):
            words = "Replies by code of a closed list."
            yield _labelled(CounterMetricFamily, name, words, "code", _closed(counts))

    def _presence(self) -> Iterable[Metric]:
        laptops = self._laptops
        yield _plain("up", "Whether the SuperLink answers.", float(laptops.up))
        if laptops.enrolled is not None:
            yield _plain("laptops_enrolled", "Laptops that may connect.", laptops.enrolled)
        if laptops.connected is not None:
            words = "Laptops connected now; left out where fewer than five are enrolled."
            yield _plain("laptops_connected", words, laptops.connected)


def _latest(last: Summary, rows: Sequence[RoundRow]) -> Iterable[Metric]:
    facts = last.facts
    yield _plain(
        "latest_run_epsilon",
        "What the latest run's contracts give away about one unit of a day that all could sample.",
        facts.epsilon,
    )
    if facts.held_out_loss is not None:
        words = "Held-out loss of the latest run's last released model, nats a unit."
        yield _plain("latest_run_held_out_loss", words, facts.held_out_loss)
    closed = [row for row in rows if row.closed]
    if closed:
        row = max(closed, key=lambda one: one.closed)
        seconds = row.closed - row.issued
        yield _plain("last_round_seconds", "From contract to close, of the last round.", seconds)


def _closed(counts: dict[str, int]) -> dict[str, int]:
    """Return counts by known codes only, the rest together."""
    found = Counter[str]()
    for code, count in counts.items():
        found[code if code in _KNOWN else "other"] += count
    return dict(found)


def _plain(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"deskbound_{name}", words, value=value)


def _labelled(
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    words: str,
    label: str,
    counts: dict[str, int],
) -> Metric:
    family = kind(f"deskbound_{name}", words, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
