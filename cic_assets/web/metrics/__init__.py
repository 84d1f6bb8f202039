"""The page that Prometheus reads."""

from cic_assets.web.metrics.kept import Kept, UnreadableError
from cic_assets.web.metrics.server import OTHERS_RATE, build_metrics_app, serve_metrics

__all__ = ["OTHERS_RATE", "Kept", "UnreadableError", "build_metrics_app", "serve_metrics"]
