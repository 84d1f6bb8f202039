"""What an instance holds, as Prometheus reads it."""

from cic_assets.orchestration.metrics.contract import METRICS, Metric
from cic_assets.orchestration.metrics.exporter import Exporter

__all__ = ["METRICS", "Exporter", "Metric"]
