"""Exported models in fewer bits: made from model.onnx, judged beside it, loaded in its place. No training, no Keras."""

from cic_assets.domain.models.quantization.card import FULL, PRECISIONS, Changes, Measured, Precision, QuantizedCard
from cic_assets.domain.models.quantization.files import is_whole, load_quantized, quantized_cards, remove_quantized
from cic_assets.domain.models.quantization.make import quantize

__all__ = [
    "FULL", "PRECISIONS", "Changes", "Measured", "Precision", "QuantizedCard", "is_whole", "load_quantized",
    "quantize", "quantized_cards", "remove_quantized",
]  # fmt: skip
