"""Predictions: the best model on any picture, from Python, the command line and a page."""

from cic_assets.prediction.inputs import Input, read_inputs
from cic_assets.prediction.predictor import Prediction, PredictionError, Predictor, best_model, load_predictor

__all__ = [
    "Input",
    "Prediction",
    "PredictionError",
    "Predictor",
    "best_model",
    "load_predictor",
    "read_inputs",
]
