"""From settings to a Keras model, and which part of it is trained. Imported only where a network is built."""

from dataclasses import dataclass

import keras  # noqa: TID253 - this module is imported only where a network is built

from cic_assets.models import peetz_net, vgg, xception
from cic_assets.models.settings import ModelSettings
from cic_assets.models.weight_files import Arrays


@dataclass(frozen=True, slots=True)
class Network:
    """A model and its parts, which share their layers.

    Attributes:
        model: from bytes (N, side, side, 3) to probabilities (N, classes); what is saved.
        trunk: the frozen part, from bytes to features; None where everything is trained.
        rest: what is trained: from features (or bytes) to probabilities. Never `model` itself: what is compiled would
            be saved with its optimizer.
    """

    model: keras.Model
    trunk: keras.Model | None
    rest: keras.Model


def build_network(settings: ModelSettings, classes: int, weights: Arrays | None = None) -> Network:
    """Build a model with fresh weights drawn by `settings.seed`, and pretrained ones where it has them.

    Args:
        settings: architecture, variant, width, input size and seed count.
        classes: number of classes, at least 2.
        weights: verified ImageNet weights for `xception`; None draws random ones there too.
    """
    keras.utils.set_random_seed(settings.seed)
    if settings.architecture == "xception":
        model = xception.original(settings, classes, weights)
        trunk, rest = xception.split(model)
        return Network(model, trunk, rest)
    build = {"vgg": vgg.original, "peetz_net": peetz_net.original}[settings.architecture]
    model = build(settings, classes)
    return Network(model, None, keras.Model(model.input, model.output, name="rest"))
