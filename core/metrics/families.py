"""Figures as metric families, and these as text: imported where somebody wants metrics only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import CollectorRegistry

from core.metrics.publishing import TICK_BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from core.environments.loads import Load
    from core.metrics.publishing import Figures

MACHINE_STATES = ("busy", "idle", "starting", "cordoned")


class Collected:
    """A collector of what `figures` gives at the moment: nothing, before there is anything."""

    def __init__(self, figures: Callable[[], Figures | None]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        figures = self._figures()
        if figures is not None:
            yield from _of_environments(figures)
            yield from _of_the_scheduler(figures)

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: what there is is known when it is collected."""
        yield from ()


def registry_of(figures: Callable[[], Figures | None]) -> CollectorRegistry:
    """Return a registry that holds these figures and nothing of this process."""
    registry = CollectorRegistry()
    registry.register(Collected(figures))
    return registry


def exposition(figures: Figures, *, as_text: bool = False) -> bytes:
    """Return figures as OpenMetrics, or `as_text` in the older format that node_exporter reads from files."""
    registry = registry_of(lambda: figures)
    generate: Callable[[CollectorRegistry], bytes] = generate_latest if as_text else generate_openmetrics
    return generate(registry)


def _of_environments(figures: Figures) -> Iterator[Metric]:
    def oldest(load: Load) -> float:
        return 0.0 if load.oldest is None else max(0.0, figures.at - load.oldest)

    gauges: tuple[tuple[str, str, Callable[[Load], float]], ...] = (
        ("shoal_executions_waiting", "Executions that wait for a quota or a machine", lambda load: load.waiting),
        ("shoal_executions_running", "Executions that have a machine", lambda load: load.running),
        ("shoal_oldest_wait_seconds", "How long the execution has waited that waits longest", oldest),
        ("shoal_machines_maximum", "The maximum scale", lambda load: load.environment.maximum_scale),
        ("shoal_environment_enabled", "Whether it takes executions", lambda load: load.environment.enabled),
    )
    for name, meaning, value in gauges:
        gauge = GaugeMetricFamily(name, meaning, labels=["environment"])
        for load in figures.loads:
            gauge.add_metric([load.environment.slug], value(load))
        yield gauge
    machines = GaugeMetricFamily("shoal_machines", "Machines that are present", labels=["environment", "state"])
    for load in figures.loads:
        for state in MACHINE_STATES:
            machines.add_metric([load.environment.slug, state], getattr(load, state))
    yield machines


def _of_the_scheduler(figures: Figures) -> Iterator[Metric]:
    ended = CounterMetricFamily("shoal_executions_ended", "Executions that have ended", labels=["status"])
    for status, number in figures.ended.items():
        ended.add_metric([status], number)
    yield ended
    yield CounterMetricFamily("shoal_machine_launches", "Machines that were asked for", value=figures.launches)
    failures = CounterMetricFamily("shoal_failures", "What failed since the scheduler began", labels=["kind"])
    for kind, number in sorted(figures.failures.items()):
        failures.add_metric([kind], number)
    yield failures
    buckets, seen = [], 0
    for bound, number in zip([*map(str, TICK_BOUNDS), "+Inf"], figures.ticks, strict=True):
        seen += number
        buckets.append((bound, seen))
    yield HistogramMetricFamily(
        "shoal_tick_seconds", "Looks of the scheduler, and how long they took", buckets, figures.tick_seconds
    )
    yield GaugeMetricFamily("shoal_scheduler_up", "Whether a scheduler publishes this", value=1)
    age = max(0.0, figures.at - figures.lease_renewed_at)
    yield GaugeMetricFamily("shoal_scheduler_lease_age_seconds", "Since its last sign of life", value=age)
    yield GaugeMetricFamily(
        "shoal_scheduler_start_time_seconds", "When it began, since 1970", value=figures.lease_acquired_at
    )
    yield GaugeMetricFamily("shoal_published_time_seconds", "When this was read, since 1970", value=figures.at)
