"""The predictor's page: drop a picture, see what each model says."""

from cic_assets.web.predict.page import build_app, serve_page
from cic_assets.web.predict.panel import Answer, Panel

__all__ = ["Answer", "Panel", "build_app", "serve_page"]
