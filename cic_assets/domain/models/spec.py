"""What a training is told, as one value that fits in a file."""

from pydantic import BaseModel, ConfigDict

from cic_assets.domain.models.settings import AcceleratorSettings, ModelSettings

TRAINING_VERSION = 2
"""Another one whenever the same settings and data would lead to another model."""
FEATURES_VERSION = 3
"""The same for models on a frozen backbone alone: of what the backbone's output is made."""

FOLDS_VERSION = 1
"""The same for models that are judged in folds: of how that is done."""
SEEDS_VERSION = 1
"""The same for models that are trained with several seeds."""


class TrainingSpec(BaseModel):
    """All that a training needs to know, as one value that fits in a file.

    Attributes:
        name: of the model, such as `vgg`.
        settings: of the network and its training.
        dataset: folder of the data set, a local one or `s3://…`.
        output: folder that the model, its card and its predictions go to, a local one or `s3://…`.
        accelerator: device and how to use it.
        weights: a file with Xception's weights; None looks for them, see `weights.resolve_weights`.
        allow_random_weights: train on random weights where there are none; for a demonstration, the card says so.
        code_version: of the program, for the card.
        features: tables of pooled features, local or `s3://…`: what they hold, a frozen backbone need not compute.
        scratch: local folder for checkpoints and backbone features, kept for the next time and for this model alone;
            None keeps nothing here.
        checkpoints: folder in a bucket where checkpoints lie too, for a machine that goes on with a killed training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    settings: ModelSettings
    dataset: str
    output: str
    accelerator: AcceleratorSettings = AcceleratorSettings()
    weights: str | None = None
    allow_random_weights: bool = False
    code_version: str = ""
    features: tuple[str, ...] = ()
    scratch: str | None = None
    checkpoints: str | None = None
