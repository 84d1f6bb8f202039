"""Trained models in a format that needs no framework: written by `keras_model`, run by `exported`. No training."""
