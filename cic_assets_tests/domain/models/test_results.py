"""What a training leaves."""

import resource
from pathlib import Path

import numpy as np
import pytest
from upath import UPath

from cic_assets.domain.models import EpochEnd, load_model, load_training_data
from cic_assets.domain.models.measures import Stopwatch
from cic_assets.domain.models.results import TrainingOutcome, save

from .conftest import MakeDataset
from .small_trainings import FAST, spec_for

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def test_a_full_disk_leaves_the_model_of_before(make_dataset: MakeDataset, tmp_path: Path) -> None:
    from cic_assets.domain.models.networks import build_classifier

    data = load_training_data(UPath(make_dataset()))
    epoch = EpochEnd(
        epoch=1, epochs=1, loss=1, accuracy=0.5, val_loss=1, val_accuracy=0.5, learning_rate=1e-3, seconds=1,
        images_per_second=1, best=True,
    )  # fmt: skip
    outcome = TrainingOutcome(
        network=build_classifier(FAST, 2), pretrained=None, history=[epoch], warnings=[], features_seconds=None,
        outputs={split: np.full((12, 2), 0.5) for split in ("validation", "test")}, device="cpu", watch=Stopwatch(),
    )  # fmt: skip
    spec = spec_for(tmp_path / "dataset", tmp_path / "model", FAST)
    card = save(spec, data, outcome)
    before = sorted(tmp_path.iterdir())
    _, most = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, most))
    try:
        with pytest.raises(OSError, match="too large"):
            save(spec, data, outcome)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(tmp_path.iterdir()) == before
    assert load_model(UPath(spec.output))[1] == card
