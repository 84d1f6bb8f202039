"""What Xception's frozen backbone, with ImageNet weights, says of any picture: 2,048 numbers, each a mean over places.

Where the backbone was exported before, no Keras is imported; elsewhere a process of its own exports it, once.
"""

import tempfile
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from cic_assets.domain.models.data import Images, fit_to_side
from cic_assets.domain.models.errors import ExportError, WeightsUnavailableError
from cic_assets.domain.models.export import EXPORTER_VERSION, ExportedBackbone, kept_backbone
from cic_assets.domain.models.process import in_worker
from cic_assets.domain.models.requirements import require_keras
from cic_assets.domain.models.settings import AcceleratorSettings
from cic_assets.domain.models.weights import ResolvedWeights, cache_folder, resolve_weights, resolve_weights_again
from cic_assets.storage import content_version

POOLED_FEATURES = 2048
"""Of a picture."""


class PooledExport(BaseModel):
    """What the process that exports is told.

    Attributes:
        side: of the pictures, in pixels.
        weights: a file with Xception's weights; None looks for them.
        places: local folders for backbones, the best one first.
    """

    model_config = ConfigDict(frozen=True)

    side: int
    weights: str | None
    places: tuple[Path, ...]


class Given(NamedTuple):
    """What a backbone was opened with."""

    side: int
    weights: str | None


class PooledBackbone:
    """The backbone up to its pooled features; pictures of any side are brought to its own.

    Attributes:
        version: differs where the features of a picture would, or might.
    """

    def __init__(self, backbone: ExportedBackbone, weights: ResolvedWeights, given: Given) -> None:
        self._backbone = backbone
        self._given = given
        self.version = pooled_version(weights.sha256, given.side)

    def __reduce__(self) -> tuple[Callable[..., "PooledBackbone"], tuple[Given, str]]:
        """In another process it is opened again, there; exported first where that has no copy yet."""
        return _opened_again, (self._given, self.version)

    def features(self, pictures: Images) -> NDArray[np.float16]:
        """(N, 2048) of pictures (N, S, S, 3), RGB bytes; may be asked by several threads at once."""
        return self._backbone.features(fit_to_side(pictures, self._given.side)).astype(np.float16)


def pooled_version(weights_sha256: str, side: int) -> str:
    """Of the features that these weights make of pictures brought to this side."""
    return content_version(EXPORTER_VERSION, version("keras"), weights_sha256, side)


def open_pooled_backbone(
    side: int, weights: str | None = None, say: Callable[[str], None] = lambda _line: None
) -> PooledBackbone:
    """The backbone with ImageNet weights, never with random ones.

    Args:
        side: that pictures are brought to, in pixels.
        weights: a file with Xception's weights; None looks for them, see `weights.resolve_weights`.
        say: takes a line for each thing that is done and takes time.

    Raises:
        TrainingUnavailableError: Keras is not installed, which reads the weights and exports.
        WeightsUnavailableError: there are no weights.
        ExportError: the backbone cannot be exported.
    """
    require_keras("features of pictures")
    found = resolve_weights_again(weights, say)
    with tempfile.TemporaryDirectory(prefix="cic-backbone-") as name:
        places = (cache_folder(), Path(name))  # a cache may be read-only: the graph is loaded before the other goes
        backbone = _kept(found, side, places)
        if backbone is None:
            say("exporting Xception's frozen backbone, once for this machine")
            given = PooledExport(side=side, weights=weights, places=places)
            in_worker("export", given, AcceleratorSettings(device="cpu"), "exported the backbone", lambda _event: None)
            backbone = _kept(found, side, places)
    if backbone is None:
        raise ExportError("the exported backbone is gone from where it was put")
    return PooledBackbone(backbone, found, Given(side, weights))


@lru_cache(1)
def _opened_again(given: Given, expected: str) -> PooledBackbone:
    """Once a process, however many pieces of work name it.

    Raises:
        WeightsUnavailableError: there are none, or others than where the work comes from.
    """
    backbone = open_pooled_backbone(*given)
    if backbone.version != expected:
        raise WeightsUnavailableError("Xception's weights or the package are others here than where the work is from")
    return backbone


def _kept(weights: ResolvedWeights, side: int, places: tuple[Path, ...]) -> ExportedBackbone | None:
    kept = (kept_backbone(weights.sha256, (side, side, 3), (POOLED_FEATURES,), place) for place in places)
    return next((backbone for backbone in kept if backbone is not None), None)


def export_pooled(given: PooledExport) -> None:
    """Export the backbone, in this process: Keras comes with it.

    Raises:
        WeightsUnavailableError: there are no weights.
        ExportError: a layer has no translation, or what was exported says something else.
    """
    from cic_assets.domain.models.backbones import Exporting, export
    from cic_assets.domain.models.export import golden_pictures
    from cic_assets.domain.models.xception import pooled_backbone

    weights = resolve_weights(given.weights)
    export(
        pooled_backbone(given.side, weights.arrays),
        Exporting(weights.sha256, given.places),
        golden_pictures(given.side),
    )
