"""Predictions: the best model on any picture, from Python, the command line and a page."""

from cic_assets.prediction.inputs import Input, read_inputs
from cic_assets.prediction.page import build_app, serve_page
from cic_assets.prediction.panel import Answer, Panel
from cic_assets.prediction.predictor import (
    Prediction,
    PredictionError,
    Predictor,
    load_predictor,
    load_predictors,
    predict_sources,
)
from cic_assets.prediction.table import COLUMNS, as_table

__all__ = [
    "COLUMNS",
    "Answer",
    "Input",
    "Panel",
    "Prediction",
    "PredictionError",
    "Predictor",
    "as_table",
    "build_app",
    "load_predictor",
    "load_predictors",
    "predict_sources",
    "read_inputs",
    "serve_page",
]
