"""A model trained with JAX, in a process of its own, is the same model under TensorFlow."""

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

from .conftest import MakeDataset

pytestmark = [
    pytest.mark.slow,
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


TRAIN_AND_ASK = """
import sys
from pathlib import Path
import numpy as np
from upath import UPath
from cic_assets.domain.models import TrainingSpec, WeightsUnavailableError, load_model, train, training

def nowhere(*_):
    raise WeightsUnavailableError("a test fetches none", nowhere=True)

training.resolve_weights = nowhere
spec = TrainingSpec.model_validate_json(Path(sys.argv[1]).read_text())
train(spec)
model, _ = load_model(UPath(spec.output))
np.save(sys.argv[2], np.asarray(model(np.load(Path(spec.dataset) / "test.npy"))))
"""


@pytest.mark.parametrize("case", CASES)
def test_a_model_trained_with_jax_is_the_same_under_tensorflow(
    make_dataset: MakeDataset, tmp_path: Path, case: str
) -> None:
    settings = ModelSettings.model_validate(CASES[case])
    dataset, output, answers = make_dataset(side=settings.input_size), tmp_path / "model", tmp_path / "answers.npy"
    spec = TrainingSpec(
        name=case, settings=settings, dataset=str(dataset), output=str(output), allow_random_weights=True
    )
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    subprocess.run(
        [sys.executable, "-c", TRAIN_AND_ASK, str(tmp_path / "spec.json"), str(answers)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        check=True,
    )
    model, card = load_model(UPath(output))
    assert card.backend == "jax"
    assert card.epochs == settings.epochs
    assert_allclose(np.asarray(model(np.load(dataset / "test.npy"))), np.load(answers), atol=1e-5)
