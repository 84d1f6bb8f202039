"""The predictor's page and API: drop pictures, see what each model says."""

from cic_assets.web.predict.page import build_app
from cic_assets.web.predict.panel import Answer, Panel
from cic_assets.web.predict.panels import Panels
from cic_assets.web.predict.server import serve_page
from cic_assets.web.predict.settings import ServeSettings

__all__ = ["Answer", "Panel", "Panels", "ServeSettings", "build_app", "serve_page"]
