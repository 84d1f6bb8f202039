"""What a person may set about a model and its training, with the reason for each default.

The variant `original` is that of the notebooks of *Custom Image Classifier Tools* (A. Peetz, 2023); what `modern` does
otherwise is in `variants.py`, and what that gained in `benchmarks/results/training.md`. No Keras here: settings are
read by every command.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cic_assets.domain.folds import FOLDS
from cic_assets.domain.models.variants import DEFAULT_VARIANT, VARIANTS
from cic_assets.domain.renaming import with_new_names

SEEDS = 3
"""Of a last layer alone, which another seed trains in seconds; fewer would tell nothing of how they differ."""

Architecture = Literal["vgg", "peetz_net", "xception"]
"""The three networks; also the names of their folders under `models/` unless a problem names them otherwise."""

Variant = Literal["original", "modern"]
"""How an architecture is built and trained: as in the notebooks, or the same idea as one would build it today."""

XCEPTION_MIN_SIDE = 71
"""Smallest side that Keras' Xception takes: five halvings without padding in the first layers."""


RENAMED = {"averaging": "ema", "progression": "progressive_resizing"}
"""Settings by their old names. Versions of trained models are still made of these: a new name trains nothing again."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AugmentationSettings(_Settings):
    """How training pictures, and no others, are varied: anew each epoch; before a frozen backbone in `views` ways."""

    rotation: float = Field(default=10.0, ge=0, le=180, description="degrees, drawn from -rotation to rotation")
    brightness: tuple[float, float] = Field(
        default=(0.9, 1.1), description="factor on all channels, drawn from this range"
    )
    flip: bool = Field(default=True, description="mirror every other picture left to right")
    zoom: tuple[float, float] = Field(
        default=(1.0, 1.0), description="share of the picture's area that is kept, drawn from this range"
    )
    contrast: tuple[float, float] = Field(
        default=(1.0, 1.0), description="factor on the distance of each channel from its mean, drawn from this range"
    )
    saturation: tuple[float, float] = Field(
        default=(1.0, 1.0), description="factor on the distance of each pixel from its grey, drawn from this range"
    )

    @property
    def varies(self) -> bool:
        """Whether it changes pictures at all."""
        ranges = (self.zoom, self.brightness, self.contrast, self.saturation)
        return self.flip or self.rotation > 0 or any(bounds != (1.0, 1.0) for bounds in ranges)

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for name in ("brightness", "zoom", "contrast", "saturation"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name}: found [{low}, {high}], expected two positive numbers, the lower one first")
        if self.zoom[1] > 1:
            raise ValueError(f"zoom: found [{self.zoom[0]}, {self.zoom[1]}], expected at most 1, the whole picture")
        return self


class ModelSettings(_Settings):
    """One model: which network at which size, and how it is trained.

    Settings that are not given are those of the architecture's variant, see `VARIANTS`.
    """

    architecture: Architecture = Field(description="which network; need not be said of a model that is called like one")
    variant: Variant = Field(
        default=DEFAULT_VARIANT, description="original: as in the notebooks; modern: the same idea as built today"
    )
    width: float = Field(default=1.0, gt=0, le=4, description="factor on filters and dense units, for a smaller net")
    input_size: int = Field(
        default=224, ge=32, le=1024, description="side in pixels that the network sees; 224 as the notebooks"
    )
    epochs: int = Field(default=20, ge=1, le=1000, description="at most this many; early stopping may end sooner")
    patience: int | None = Field(
        default=5, ge=1,
        description="epochs without a lower validation loss (in original: without a higher validation accuracy) after "
        "which training stops, and the best weights are kept; null trains all epochs and keeps the last",
    )  # fmt: skip
    batch_size: int = Field(default=20, ge=1, le=4096, description="20 as the notebooks")
    optimizer: Literal["adam", "muon"] = Field(
        default="adam",
        description="adam as the notebooks; muon needs fewer epochs where convolutions learn from nothing",
    )
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Keras' default for Adam, as the notebooks")
    schedule: Literal["constant", "cosine"] = Field(
        default="constant", description="of the learning rate; cosine falls from it to 0 over all epochs"
    )
    warmup_epochs: int = Field(
        default=0, ge=0, description="in which a cosine schedule rises to the learning rate; at most a third of all"
    )
    weight_decay: float = Field(default=0.0, ge=0, lt=1, description="of kernels, decoupled from the loss (AdamW)")
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of each label that is spread over all classes"
    )
    cutmix: float = Field(
        default=0.0, ge=0, le=1, description="share of the batches in which pictures get a square of each other"
    )
    ema: float = Field(
        default=0.0, ge=0, lt=1, serialization_alias="averaging",
        description="momentum, a step, of the exponential moving average (EMA) of the weights that is judged and kept; "
        "0 keeps the last ones",
    )  # fmt: skip
    progressive_resizing: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=(1.0,), min_length=1, serialization_alias="progression",
        description="side of the training pictures as shares of input_size, each for an equal part of the epochs; "
        "validation and test see input_size. Only for nets that take any side",
    )  # fmt: skip
    head_epochs: int = Field(
        default=0, ge=0,
        description="epochs at the start in which only the new head on pretrained layers learns; they cost next to "
        "nothing, as what these layers say of each view is computed once",
    )  # fmt: skip
    fine_tuning_rate: float = Field(
        default=1e-4, gt=0, le=1, description="learning rate after them, when the last pretrained block learns too"
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="of weights, shuffling, augmentation and dropout")
    augmentation: AugmentationSettings = AugmentationSettings()
    views: int = Field(
        default=4, ge=1, le=64,
        description="augmented views of each picture that go once through a frozen backbone; epochs take turns at them",
    )  # fmt: skip
    folds: int | None = Field(
        default=None, ge=0, le=100,
        description="parts of all pictures that are left out in turn, so that each picture is judged by a network that "
        "has not learned from it, nor from any of its unit: one more training a fold. 0 judges the test pictures "
        "alone. By default 5 where only a last layer learns, from features that are computed once, otherwise 0",
    )  # fmt: skip
    seeds: int | None = Field(
        default=None, ge=1, le=100,
        description="trainings, each with a seed of its own, that tell how far chance alone moves the accuracy; the "
        "model's own is the first, and each other is judged as it is: in folds, or by the test pictures. By default 3 "
        "where only a last layer learns, from features that are computed once, otherwise 1",
    )  # fmt: skip

    @property
    def of_training(self) -> dict[str, Any]:
        """All that the model itself depends on, for versions: not how it is judged."""
        return self.model_dump(by_alias=True, exclude={"folds", "seeds"})

    @property
    def fold_count(self) -> int:
        """In how many folds it is judged; 0 where it is judged by the test pictures alone."""
        if self.folds is None:
            return FOLDS if self.features_are_fixed else 0
        return self.folds

    @property
    def seed_count(self) -> int:
        """With how many seeds it is trained, its own among them."""
        if self.seeds is None:
            return SEEDS if self.features_are_fixed else 1
        return self.seeds

    @property
    def features_are_fixed(self) -> bool:
        """Whether all that learns sees of each picture the same numbers, in all epochs and in all networks."""
        return self.head_alone and not self.augmentation.varies

    @property
    def head_alone(self) -> bool:
        """Whether nothing but a new head on pretrained layers learns, in all epochs."""
        return self.variant == "modern" and self.head_epochs >= self.epochs

    @model_validator(mode="before")
    @classmethod
    def _fill_from_variant(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        given = with_new_names(given, RENAMED)
        variant = VARIANTS.get(str(given.get("variant", DEFAULT_VARIANT)), {})
        defaults = variant.get(str(given.get("architecture")), {})
        augmentation = given.get("augmentation")
        if isinstance(augmentation, Mapping):  # what it leaves out is the variant's, too
            given = {**given, "augmentation": {**defaults.get("augmentation", {}), **augmentation}}
        return {**defaults, **given}

    @model_validator(mode="after")
    def _fits_the_architecture(self) -> Self:
        if self.architecture == "xception" and self.input_size < XCEPTION_MIN_SIDE:
            raise ValueError(f"input_size: found {self.input_size}, expected at least {XCEPTION_MIN_SIDE} for xception")
        if self.progressive_resizing != (1.0,) and (self.architecture == "xception" or self.variant == "original"):
            raise ValueError(
                f"progressive_resizing: found {list(self.progressive_resizing)}, expected [1.0]: only vgg and "
                "peetz_net in their modern variant take pictures of any side"
            )
        if self.cutmix and self.architecture == "xception":
            raise ValueError(
                f"cutmix: found {self.cutmix:g}, expected 0 for xception: its backbone sees each picture once, whole"
            )
        if self.optimizer == "muon" and self.architecture == "xception":
            raise ValueError("optimizer: found muon, expected adam for xception: its depthwise kernels are no matrices")
        if self.head_epochs and self.architecture != "xception":
            raise ValueError(
                f"head_epochs: found {self.head_epochs}, expected 0: {self.architecture} is not pretrained"
            )
        if self.folds == 1:
            raise ValueError("folds: found 1, expected 2 or more, or 0: of one, nothing is left to learn from")
        return self


def default_models() -> dict[str, ModelSettings]:
    """The three models of the original, each under its own name."""
    return {name: ModelSettings(architecture=name) for name in ("vgg", "peetz_net", "xception")}


class AcceleratorSettings(_Settings):
    """Which device trains, and how. Applied to a training's own process before Keras builds anything."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        default="auto", description="auto takes a GPU that is there and says so when there is none"
    )
    require: bool = Field(default=False, description="with auto or gpu: no GPU is an error at once, not a slow night")
    memory_growth: bool = Field(
        default=True, description="take GPU memory as needed, so that measured peaks are the model's own"
    )
    memory_limit: int | None = Field(
        default=None, ge=1, description="MiB of GPU memory that a training may take at most; all of it unless set"
    )
    mixed_precision: bool | Literal["auto"] = Field(
        default="auto",
        description="train with 16-bit arithmetic (bfloat16) and 32-bit weights; auto where the device has it built "
        "in. What is saved computes with 32 bits",
    )
    jit: bool | Literal["auto"] = Field(
        default="auto",
        description="compile with XLA; auto leaves it to Keras, but for TensorFlow on a CPU, which is quicker without",
    )
    threads: int | None = Field(default=None, ge=1, description="CPU threads; all cores unless set")

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.device == "cpu" and self.require:
            raise ValueError("require: found true with device cpu, expected device gpu or auto")
        return self

    @property
    def needs_gpu(self) -> bool:
        """Whether to fail where there is no GPU: asked for by name, or required."""
        return self.require or self.device == "gpu"
