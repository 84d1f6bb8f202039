"""Xception's ImageNet weights as arrays: the three files they come in, and one hash that tells what they are.

A file's own hash says nothing about its content once it was repacked. So the arrays are hashed: in the order of their
sorted names in Keras 3 layout, each with name, shape and 32-bit little-endian values. h5py only, no Keras.
"""

import hashlib
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float32]]
"""Arrays by their names in Keras 3 layout, such as `layers/conv2d_1/vars/0`."""

ARRAYS = 234
"""Of Xception without top: 6 convolutions, 34 separable ones (2 each) and 40 normalisations (4 each)."""

_MEMBER = "model.weights.h5"
_NESTED_BASE = "layers/functional/"
_MAX_BYTES = 500_000_000
"""More than any of the files has; a hostile archive does not unpack to more."""


class WeightsFileError(ValueError):
    """A file is not one of the layouts that Xception's weights come in."""


def arrays_sha256(arrays: Mapping[str, NDArray[np.float32]]) -> str:
    """One hash over all arrays, the same for every file that holds the same weights."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype="<f4")
        digest.update(f"{name} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_arrays(path: Path) -> Arrays:
    """Xception's convolutions and normalisations from a file.

    Takes Keras 3 weights (`.weights.h5`), a `.keras` model that has Xception in it, and the HDF5 file of Keras 2 that
    Keras itself downloads.

    Raises:
        WeightsFileError: it is none of these, or not of Xception without top.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, _member(archive, path) as file:
            arrays = _read_hdf5(file, path)
    else:
        arrays = _read_hdf5(path, path)
    if len(arrays) != ARRAYS:
        raise WeightsFileError(f"{path}: found {len(arrays)} arrays, expected {ARRAYS} of Xception without top")
    return arrays


def write_arrays(arrays: Arrays, path: Path) -> None:
    """Write arrays as Keras 3 weights, whole or not at all."""
    import h5py  # type: ignore[import-untyped]  # it has no types

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        with h5py.File(part, "w") as file:
            for name in sorted(arrays):
                file.create_dataset(name, data=arrays[name])
        part.replace(path)


@contextmanager
def _member(archive: zipfile.ZipFile, path: Path) -> Iterator[IO[bytes]]:
    """The weights inside a `.keras` file, unpacked to a temporary file: HDF5 wants to seek."""
    if _MEMBER not in archive.namelist():
        raise WeightsFileError(f"{path}: found no {_MEMBER} in it, expected a .keras model or HDF5 weights")
    if archive.getinfo(_MEMBER).file_size > _MAX_BYTES:
        raise WeightsFileError(f"{path}: {_MEMBER} is larger than {_MAX_BYTES} bytes, expected about 84 million")
    with archive.open(_MEMBER) as packed, tempfile.TemporaryFile() as file:
        while piece := packed.read(1 << 20):
            file.write(piece)
        file.seek(0)
        yield file


def _read_hdf5(source: Path | IO[bytes], path: Path) -> Arrays:
    import h5py

    try:
        with h5py.File(source, "r") as file:
            return _read_keras2(file) if "layer_names" in file.attrs else _read_keras3(file)
    except OSError as error:
        raise WeightsFileError(f"{path}: is not a readable HDF5 file ({error})") from None


def _read_keras3(file: Any) -> Arrays:
    import h5py

    arrays: Arrays = {}

    def collect(name: str, item: Any) -> None:
        short = name.removeprefix(_NESTED_BASE) if name.startswith(_NESTED_BASE) else name
        is_nested_head = _NESTED_BASE.strip("/") in file and short == name
        if isinstance(item, h5py.Dataset) and short.startswith("layers/") and not is_nested_head:
            arrays[short] = np.asarray(item, dtype=np.float32)

    file.visititems(collect)
    return arrays


def _read_keras2(file: Any) -> Arrays:
    """Keras 2 names layers; Keras 3 counts them by kind, in the same order."""
    seen: Counter[str] = Counter()
    arrays: Arrays = {}
    for name in map(_text, file.attrs["layer_names"]):
        group = file[name]
        weight_names = list(map(_text, group.attrs["weight_names"]))
        if not weight_names:
            continue
        kind = _kind(weight_names)
        folder = f"layers/{kind}" + (f"_{seen[kind]}" if seen[kind] else "")
        seen[kind] += 1
        for i, weight_name in enumerate(weight_names):
            arrays[f"{folder}/vars/{i}"] = np.asarray(group[weight_name], dtype=np.float32)
    return arrays


def _kind(weight_names: list[str]) -> str:
    last = re.sub(r":\d+$", "", weight_names[0]).rsplit("/", 1)[-1]
    kinds: Mapping[str, str] = {"gamma": "batch_normalization", "depthwise_kernel": "separable_conv2d"}
    return kinds.get(last, "conv2d")


_text: Callable[[Any], str] = lambda value: value.decode() if isinstance(value, bytes) else str(value)  # noqa: E731
