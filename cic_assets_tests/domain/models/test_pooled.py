"""Pooled features of any picture: exported once for a machine, then without Keras, and never of random weights."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cic_assets.domain.models import WeightsUnavailableError, fit_to_side, open_pooled_backbone
from cic_assets.domain.models.pooled import pooled_version

SIDE = 80

WITHOUT_KERAS = """
import sys
import numpy as np
from cic_assets.domain.models import open_pooled_backbone
backbone = open_pooled_backbone(int(sys.argv[1]), sys.argv[2])
np.save(sys.argv[4], backbone.features(np.load(sys.argv[3])))
assert not {"keras", "tensorflow"} & set(sys.modules)
"""


@pytest.mark.shared
@pytest.mark.slow
def test_it_is_exported_once_then_runs_without_keras_and_says_what_keras_says(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights = str(shared_data / "weights" / "xception_imagenet_notop.weights.h5")
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    said: list[str] = []
    ours = open_pooled_backbone(SIDE, weights, said.append)
    assert said == ["exporting Xception's frozen backbone, once for this machine"]
    (graph,) = tmp_path.rglob("backbone.onnx")
    features = ours.features(pictures)
    assert features.dtype == np.float16
    assert features.shape == (4, 2048)

    np.save(tmp_path / "pictures.npy", pictures)
    files = [tmp_path / "pictures.npy", tmp_path / "features.npy"]
    command = [sys.executable, "-c", WITHOUT_KERAS, str(SIDE), weights, *map(str, files)]
    subprocess.run(command, check=True, timeout=120)
    assert_array_equal(np.load(files[1]), features)
    assert [graph] == list(tmp_path.rglob("backbone.onnx"))

    # As a worker elsewhere has it, for each piece of its work.
    again, later = (pickle.loads(pickle.dumps(ours)) for _ in range(2))
    assert again is later
    assert again is not ours
    assert_array_equal(again.features(pictures), features)
    assert again.version == ours.version

    theirs = by_keras(weights, fit_to_side(pictures, SIDE))
    assert theirs.std(axis=0).max() > 0.05 * theirs.max()  # it tells pictures apart
    assert_allclose(features, theirs, atol=1e-3 * theirs.max())


def by_keras(weights: str, pictures: np.ndarray) -> np.ndarray[Any, Any]:
    from cic_assets.domain.models import resolve_weights
    from cic_assets.domain.models.xception import pooled_backbone

    return np.asarray(pooled_backbone(SIDE, resolve_weights(weights).arrays).predict_on_batch(pictures))


def test_without_weights_there_is_none(no_weights: None) -> None:
    with pytest.raises(WeightsUnavailableError, match="no ImageNet weights for xception") as raised:
        open_pooled_backbone(SIDE)
    assert raised.value.nowhere


def test_a_version_is_of_weights_and_side() -> None:
    versions = {pooled_version(weights, side) for weights in ("a", "b") for side in (128, 299)}
    assert len(versions) == 4
    assert pooled_version("a", 128) in versions
