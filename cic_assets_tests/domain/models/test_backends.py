"""Models trained with JAX, in a process of its own, are the same under TensorFlow."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from upath import UPath

from cic_assets.domain.models import ModelSettings, TrainingSpec, load_model
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import MakeDataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # the first one waits for all trainings, most of which is compiling
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

TINY: dict[str, Any] = {"width": 0.05, "input_size": 40, "epochs": 4, "batch_size": 8}
TINY_XCEPTION: dict[str, Any] = {"width": 0.02, "input_size": 71, "epochs": 2, "views": 1, "batch_size": 8}
CASES: dict[str, dict[str, Any]] = {
    "vgg-original": {"architecture": "vgg", "variant": "original", **TINY},
    "vgg-modern": {"architecture": "vgg", "variant": "modern", "progressive_resizing": [0.8, 1], **TINY},
    "peetz_net-original": {"architecture": "peetz_net", "variant": "original", **TINY},
    "peetz_net-modern": {"architecture": "peetz_net", "variant": "modern", **TINY},
    "xception-original": {"architecture": "xception", "variant": "original", **TINY_XCEPTION},
    "xception-modern": {"architecture": "xception", "variant": "modern", "head_epochs": 1, **TINY_XCEPTION},
}
CHOSEN = short_or_long(["vgg-modern"], list(CASES))

QUICKLY_COMPILED = "--xla_backend_optimization_level=0"
"""Compiling is most of what these trainings take, and twice as much where it is to make them fast."""

TRAIN_AND_ASK = """
import sys
from pathlib import Path
import numpy as np
from upath import UPath
from cic_assets.domain.models import TrainingSpec, WeightsUnavailableError, load_model, train, training

def nowhere(*_):
    raise WeightsUnavailableError("a test fetches none", nowhere=True)

training.resolve_weights = nowhere
for name in sys.argv[1:]:
    spec = TrainingSpec.model_validate_json(Path(name).read_text())
    train(spec)
    model, _ = load_model(UPath(spec.output))
    np.save(Path(spec.output) / "answers.npy", np.asarray(model(np.load(Path(spec.dataset) / "test.npy"))))
"""


@pytest.fixture(scope="module")
def specs(make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrainingSpec]:
    """What was trained with JAX, one after the other in one process."""
    folder, datasets = tmp_path_factory.mktemp("jax"), {side: make_shared_dataset(side=side) for side in (40, 71)}
    made = {}
    for case in CHOSEN:
        settings = ModelSettings.model_validate(CASES[case])
        made[case] = TrainingSpec(
            name=case, settings=settings, dataset=str(datasets[settings.input_size]), output=str(folder / case),
            allow_random_weights=True,
        )  # fmt: skip
        (folder / f"{case}.json").write_text(made[case].model_dump_json())
    subprocess.run(
        [sys.executable, "-c", TRAIN_AND_ASK, *(str(folder / f"{case}.json") for case in made)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICKLY_COMPILED},
        check=True,
    )
    return made


@pytest.mark.long
@pytest.mark.parametrize("case", CHOSEN)
def test_a_model_trained_with_jax_is_the_same_under_tensorflow(specs: dict[str, TrainingSpec], case: str) -> None:
    spec = specs[case]
    model, card = load_model(UPath(spec.output))
    assert card.backend == "jax"
    assert card.epochs == spec.settings.epochs
    pictures, answers = np.load(Path(spec.dataset) / "test.npy"), np.load(Path(spec.output) / "answers.npy")
    assert_allclose(np.asarray(model(pictures)), answers, atol=1e-5)
