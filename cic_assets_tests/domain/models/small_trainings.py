"""What the tests train: nets that learn in seconds."""

from pathlib import Path
from typing import Any

import numpy as np
from upath import UPath

from cic_assets.domain.models import AugmentationSettings, ModelSettings, TrainingSpec, load_model

SMALL = ModelSettings(
    architecture="vgg", variant="original", width=0.06, input_size=32, epochs=8, batch_size=8, learning_rate=3e-3,
    # Which side the square stands on is the class here.
    augmentation=AugmentationSettings(flip=False),
)  # fmt: skip

SMALL_MODERN = ModelSettings(
    architecture="vgg", width=0.1, input_size=40, progressive_resizing=(0.8, 1), epochs=6, batch_size=8, ema=0.8,
    schedule="cosine", warmup_epochs=1, weight_decay=0.05, augmentation=AugmentationSettings(flip=False),
)  # fmt: skip

FAST_XCEPTION = ModelSettings(
    architecture="xception", width=0.02, input_size=71, epochs=2, head_epochs=1, views=2, batch_size=8,
    # Where a head alone learns, 14 trainings more that judge the one.
    folds=0, seeds=1,
)  # fmt: skip

SMALL_PEETZ_NET = SMALL_MODERN.model_copy(update={"architecture": "peetz_net"})

FAST = SMALL.model_copy(update={"epochs": 2})


def spec_for(dataset: Path, output: Path, settings: ModelSettings = SMALL, **given: Any) -> TrainingSpec:
    return TrainingSpec(name="small", settings=settings, dataset=str(dataset), output=str(output), **given)


def weights_of(folder: Path) -> list[np.ndarray]:
    return list(load_model(UPath(folder))[0].get_weights())
