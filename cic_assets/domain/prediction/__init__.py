"""Predictions: the best model on any picture."""

from cic_assets.domain.prediction.inputs import MAX_BYTES, Input, find_inputs, read_inputs
from cic_assets.domain.prediction.predictor import (
    Prediction,
    PredictionError,
    Predictor,
    check_models,
    choose_model,
    load_predictor,
    load_predictors,
    predict_sources,
)
from cic_assets.domain.prediction.reviews import REVIEW_COLUMNS, REVIEWS, Review, ReviewRefusedError, add_review
from cic_assets.domain.prediction.runtimes import OnKeras, Runtime
from cic_assets.domain.prediction.table import COLUMNS, as_table, cells, column_names

__all__ = [
    "COLUMNS", "MAX_BYTES", "REVIEWS", "REVIEW_COLUMNS", "Input", "OnKeras", "Prediction", "PredictionError",
    "Predictor", "Review", "ReviewRefusedError", "Runtime", "add_review", "as_table", "cells", "check_models",
    "choose_model", "column_names", "find_inputs", "load_predictor", "load_predictors", "predict_sources",
    "read_inputs",
]  # fmt: skip
