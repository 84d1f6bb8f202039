"""Predictions: the best model on any picture."""

from cic_assets.domain.prediction.inputs import Input, read_inputs
from cic_assets.domain.prediction.predictor import (
    Prediction,
    PredictionError,
    Predictor,
    load_predictor,
    load_predictors,
    predict_sources,
)
from cic_assets.domain.prediction.runtimes import OnKeras, Runtime
from cic_assets.domain.prediction.table import COLUMNS, as_table

__all__ = [
    "COLUMNS", "Input", "OnKeras", "Prediction", "PredictionError", "Predictor", "Runtime", "as_table",
    "load_predictor", "load_predictors", "predict_sources", "read_inputs",
]  # fmt: skip
