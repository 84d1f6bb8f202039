"""From settings to a Keras model, and which part of it is trained. Imported only where a network is built."""

from dataclasses import dataclass, replace

import keras  # noqa: TID253 - this module is imported only where a network is built

from cic_assets.domain.models import peetz_net, vgg, xception
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.weight_files import Arrays


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model and its parts.

    Attributes:
        model: from bytes (N, side, side, 3) to probabilities (N, classes); what is saved.
        backbone: the frozen part, from bytes to features; None where everything is trained.
        rest: what is trained: from features (or bytes) to logits. Never `model` itself: what is compiled would be saved
            with its optimizer.
        neck: the pretrained layers of `rest`, from features to one vector a picture; None where it has none.
        head: what follows the neck, to logits.
    """

    model: keras.Model
    backbone: keras.Model | None
    rest: keras.Model
    neck: keras.Model | None = None
    head: keras.Model | None = None

    def finish(self) -> None:
        """Give `model` what `rest` learned, where they do not share their layers."""
        if self.rest.layers[-1] is not self.model.get_layer(self.rest.layers[-1].name):
            self.model.set_weights(self.rest.get_weights())

    def afresh(self, seed: int) -> "Classifier":
        """The same backbone, and a `rest` of new layers, none of which may have been pretrained."""
        keras.utils.set_random_seed(seed)
        # Of a compiled model Keras would copy the optimizer and the loss, too.
        return replace(self, rest=keras.models.clone_model(keras.Model(self.rest.input, self.rest.output)))


def build_classifier(settings: ModelSettings, classes: int, weights: Arrays | None = None) -> Classifier:
    """Build a model with fresh weights drawn by `settings.seed`, and pretrained ones where it has them.

    Args:
        settings: architecture, variant, width, input size and seed count.
        classes: number of classes, at least 2.
        weights: verified ImageNet weights for `xception`; None draws random ones there too.
    """
    keras.utils.set_random_seed(settings.seed)
    if settings.architecture == "xception":
        return _on_a_backbone(settings, classes, weights)
    if settings.variant == "original":
        build = {"vgg": vgg.original, "peetz_net": peetz_net.original}[settings.architecture]
        rest = build(settings, classes)
        return Classifier(_with_probabilities(rest), None, keras.Model(rest.input, rest.output, name="rest"))
    modern = {"vgg": vgg.modern, "peetz_net": peetz_net.modern}[settings.architecture]
    rest = modern(settings, classes, None)
    return Classifier(_with_probabilities(modern(settings, classes, settings.input_size)), None, rest)


def in_32_bits(model: keras.Model) -> keras.Model:
    """The model, or where it computes with 16 bits a copy that does with 32: not every machine can do the former."""
    if all(layer.dtype_policy.compute_dtype != "bfloat16" for layer in model.layers):
        return model
    twin = keras.models.clone_model(
        keras.Model(model.input, model.output),  # of a compiled model it would clone the optimizer's state, too
        clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "dtype": "float32"}),
    )
    twin.set_weights(model.get_weights())
    return twin


def _on_a_backbone(settings: ModelSettings, classes: int, weights: Arrays | None) -> Classifier:
    if settings.variant == "original":
        model = xception.original(settings, classes, weights)
        return Classifier(_with_probabilities(model), *xception.split(model))
    model = xception.modern(settings, classes, weights)
    if settings.head_alone:
        return Classifier(_with_probabilities(model), *xception.split_off_head(model))
    return Classifier(_with_probabilities(model), *xception.split(model), *xception.split_rest(model))


def _with_probabilities(model: keras.Model) -> keras.Model:
    """The same layers and one more: probabilities, in 32 bits also where the rest computes in 16."""
    answers = keras.layers.Softmax(dtype="float32", name="probabilities")(model.output)
    return keras.Model(model.input, answers, name=model.name)
