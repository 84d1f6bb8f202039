"""Samples in Prometheus' text format."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from cic_assets.orchestration.metrics.contract import METRICS, Metric, Sample

Family = CounterMetricFamily | GaugeMetricFamily


def text_of(samples: Iterable[Sample]) -> bytes:
    """Samples as Prometheus and node_exporter read them: those of a metric together, in the order of `METRICS`."""
    registry = CollectorRegistry()
    registry.register(_Told(samples))
    return generate_latest(registry)


class _Told(Collector):
    """Gives what was read, in place of counting."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_metric: defaultdict[Metric, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._by_metric[sample.metric].append(sample)

    def collect(self) -> Iterator[Family]:
        """A family a metric; one without samples is left out."""
        for metric in METRICS:
            if found := self._by_metric.get(metric):
                yield _family(metric, found)


def _family(metric: Metric, samples: Iterable[Sample]) -> Family:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: Family = make(metric.name, metric.meaning, labels=metric.labels)
    for sample in samples:
        family.add_metric(sample.labels, sample.value)
    return family
