"""What each variant does otherwise than the defaults of `ModelSettings`, by architecture; the reasons beside it."""

from collections.abc import Mapping
from typing import Any, Final

DEFAULT_VARIANT: Final = "modern"

_VARIED: Mapping[str, Any] = {
    "rotation": 10.0,
    "brightness": (0.7, 1.3),
    "contrast": (0.7, 1.3),
    "saturation": (0.7, 1.3),
}
"""Light and colour by more than the notebooks: photos of strangers' cameras differ by as much."""

_FROM_SCRATCH: Mapping[str, Any] = {
    # 96 pixels cost a fifth of 224, 64 half of that. Judged at 112, 128 or 144 the same nets have a higher loss.
    "input_size": 96,
    "progressive_resizing": (0.67, 1.0),
    "epochs": 80,
    "patience": None,
    "batch_size": 32,
    "optimizer": "muon",
    "learning_rate": 2e-3,
    "label_smoothing": 0.1,
    "ema": 0.98,  # in place of a falling learning rate, which ended no better
    "augmentation": {**_VARIED, "zoom": (0.25, 1.0)},
}

_ON_A_PRETRAINED_BACKBONE: Mapping[str, Any] = {
    # The side at which the weights were trained (Chollet, "Xception", 2017, section 4.5).
    "input_size": 299,
    # Each picture goes through the backbone once, as it is. On some hundred photos neither varied views nor learning
    # block 14 too gained anything, at several times the cost: benchmarks/results/transfer.md.
    "views": 1,
    "augmentation": {"rotation": 0.0, "brightness": (1.0, 1.0), "flip": False},
    "epochs": 30,
    "head_epochs": 30,
    "patience": None,
    "batch_size": 32,
    # For a dense layer alone, whose loss has one lowest point, with dropout: a rate that falls to nothing gets there.
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "fine_tuning_rate": 3e-5,  # where head_epochs are fewer
}

VARIANTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    # Xception's notebook trains 4 epochs: the backbone knows pictures already.
    "original": {"vgg": {}, "peetz_net": {}, "xception": {"epochs": 4}},
    "modern": {"vgg": _FROM_SCRATCH, "peetz_net": _FROM_SCRATCH, "xception": _ON_A_PRETRAINED_BACKBONE},
}
