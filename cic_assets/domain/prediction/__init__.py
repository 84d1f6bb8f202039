"""Predictions: the best model on any picture."""

from cic_assets.domain.prediction.elsewhere import predict_on
from cic_assets.domain.prediction.inbox import INBOX, INBOX_COLUMNS, classify_inbox, waiting_in
from cic_assets.domain.prediction.inputs import MAX_BYTES, Input, count_inputs, find_inputs, read_inputs
from cic_assets.domain.prediction.posts import Post
from cic_assets.domain.prediction.prediction import Nearest, Prediction
from cic_assets.domain.prediction.predictor import (
    Look,
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
from cic_assets.domain.prediction.settings import PredictionSettings
from cic_assets.domain.prediction.table import COLUMNS, as_table, cells, column_names, in_parts

__all__ = [
    "COLUMNS", "INBOX", "INBOX_COLUMNS", "MAX_BYTES", "REVIEWS", "REVIEW_COLUMNS", "Input", "Look", "Nearest",
    "OnKeras", "Post", "Prediction", "PredictionError", "PredictionSettings", "Predictor", "Review",
    "ReviewRefusedError", "Runtime", "add_review", "as_table", "cells", "check_models", "choose_model",
    "classify_inbox", "column_names", "count_inputs", "find_inputs", "in_parts", "load_predictor", "load_predictors",
    "predict_on", "predict_sources", "read_inputs", "waiting_in",
]  # fmt: skip
