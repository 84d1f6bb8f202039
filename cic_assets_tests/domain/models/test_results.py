"""What a training leaves."""

import resource
import threading
from pathlib import Path

import numpy as np
import pytest
from upath import UPath

from cic_assets.domain.models import EpochEnd, ExportError, TrainingSpec, load_model, load_training_data, read_card
from cic_assets.domain.models.data import TrainingData
from cic_assets.domain.models.export import parity
from cic_assets.domain.models.forgetting import changing
from cic_assets.domain.models.measures import Stopwatch
from cic_assets.domain.models.results import TrainingOutcome, save

from .conftest import MakeDataset
from .small_trainings import FAST, spec_for

Trained = tuple[TrainingSpec, TrainingData, TrainingOutcome]

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


@pytest.fixture
def trained(make_dataset: MakeDataset, tmp_path: Path) -> Trained:
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
    return spec_for(tmp_path / "dataset", tmp_path / "model", FAST), data, outcome


def test_an_export_that_says_something_else_leaves_the_model_of_before(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, data, outcome = trained
    card = save(spec, data, outcome)
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)  # which no difference is under
    with pytest.raises(ExportError, match=r"the exported vgg differs from its Keras model by .* of 16 pictures"):
        save(spec, data, outcome)
    assert load_model(UPath(spec.output))[1] == card


def test_a_full_disk_leaves_the_model_of_before(trained: Trained, tmp_path: Path) -> None:
    spec, data, outcome = trained
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


def test_who_takes_a_picture_out_of_what_is_said_of_a_model_is_waited_for(trained: Trained) -> None:
    spec, data, outcome = trained
    first = save(spec, data, outcome)
    saves = threading.Thread(target=save, args=(spec, data, outcome))
    with changing(UPath(spec.output)):
        saves.start()
        saves.join(5)
        assert saves.is_alive()
        assert read_card(UPath(spec.output)) == first
    saves.join()
    assert read_card(UPath(spec.output)).measures != first.measures
