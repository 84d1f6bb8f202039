"""Whether the larger of two copies was enlarged from the smaller: it has more pixels then, and shows no more.

Two things tell. The smaller one is enlarged in the usual ways, compressed as the larger file is, and laid under it: of
one that was enlarged, what these do not explain is little; one that was taken so large has detail that they cannot
know. That alone would call many a soft or hard compressed photo an enlarged one. So the finest that the smaller can
carry is looked at too (nearly up to its Nyquist frequency): enlarging takes from it, and so it is weaker in the larger;
shrinking takes from it as well, and then it is weaker in the smaller.

Both are measured on small tiles of most texture. What noise there is between is measured on tiles of least.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cic_assets.domain.duplicates.registration import Plane, Warp, inverse

Steps = Sequence[int]
"""Of quantization, as `images.quantization_steps` gives them."""


class Compression(NamedTuple):
    """How the larger was compressed.

    Attributes:
        steps: of quantization.
        scale: of its sides, as they were then, to those of the plane that is compared.
    """

    steps: Steps
    scale: float = 1.0


SMALLEST_SCALE = 1.15
"""Of sides: below, what the larger can carry and the smaller cannot is too little to tell anything from."""
LARGEST_SCALE = 2.0
"""Of sides: what is larger is shrunk to this. An octave that the smaller cannot carry is enough."""

_TILE = 32  # pixels of the smaller
_TEXTURED, _EVEN, _FEWEST = 16, 8, 4  # tiles
_GREYS = 20, 235  # the mean of an even tile: where it is black or white, noise is cut off
_MARGIN = 8  # pixels of the smaller around a tile, for what interpolates from it
_BLOCK = 8  # of JPEG
_BANDS = np.array([0.35, 0.5, 0.7, 0.9, 1.1, 1.35, 1.6])  # in Nyquist frequencies of the smaller
_LOW, _FINE, _BEYOND = 1, 3, (5, 6)  # which of them: 0.35 to 0.5, 0.7 to 0.9, and what the larger alone can carry
_NOT_KNOWN = 0.15  # of the noise that is told from: it is known to about this
_STRANGE = 0.3  # of the band below the fine one: who does not explain that does not lie there, or shows something else
_LEAST = 1e-8  # of energy: squared grey levels a frequency

# Chosen so that of 18 photos' copies hardly any larger original is taken for an enlarged one; on other photos they do
# as well: benchmarks/results/sharpest.md.
_ENLARGED = ((-0.7, 0.05), (-1.0, -0.01), (-1.9, -0.15), (-2.2, -np.inf))
"""Of enlarged ones what is unexplained, at most, and the fading, at least: the surer the one, the less of the other."""
_OWN = -0.7


class Finding(Enum):
    """What was found out of two copies."""

    ENLARGED = "the larger is an enlarged one of the smaller"
    OWN_DETAIL = "the larger has detail of its own"
    UNSURE = "neither is sure"


class Evidence(NamedTuple):
    """What speaks for the one or the other.

    Attributes:
        scale: pixels of the larger to one of the smaller, along a side; what is larger than `LARGEST_SCALE` is shrunk.
        unexplained: what the smaller does not explain of the larger, in the fine band of the smaller and beyond it: the
            larger of the two shares of the energy in the fine band; the logarithm to base 10.
        fading: by how much the fine band is weaker in the larger than in the smaller, measured by what both share and
            against the band below: the logarithm to base 10 of the factor; below 0 it is stronger.
    """

    scale: float
    unexplained: float
    fading: float

    def finding(self) -> Finding:
        """What follows from it; where nothing does for sure, nothing."""
        if any(self.unexplained < most and self.fading > least for most, least in _ENLARGED):
            return Finding.ENLARGED
        return Finding.OWN_DETAIL if self.unexplained > _OWN else Finding.UNSURE


def compare(larger: Plane, smaller: Plane, lies: Warp, compression: Compression | None = None) -> Evidence | None:
    """What the pixels of two copies say, or None where too little of them does.

    Args:
        larger: grey, at most `LARGEST_SCALE` times the scale of the smaller.
        smaller: grey, held as the larger is.
        lies: from pixels of the larger to pixels of the smaller.
        compression: of the larger, where it is a JPEG.
    """
    scales = 1 / lies[0, 0], 1 / lies[1, 1]
    if min(scales) < SMALLEST_SCALE:
        return None
    tiles = _chosen(larger, smaller, lies)
    if tiles is None:
        return None
    rich, even = (_Tiles(larger, smaller, lies, corners).energies(compression) for corners in tiles)
    fine = rich.own[_FINE] - even.own[_FINE]
    if fine <= _LEAST or rich.shared[_FINE] <= 0 or rich.rest[_LOW] > _STRANGE * rich.own[_LOW]:
        return None
    left = _unexplained(rich, even)
    beyond = np.mean([left[band] for band in _BEYOND if np.isfinite(rich.own[band])])
    return Evidence(
        scale=float(np.sqrt(scales[0] * scales[1])),
        unexplained=float(np.log10(max(left[_FINE], beyond, _LEAST) / fine)),
        fading=_fading(rich, even),
    )


@dataclass(frozen=True)
class _Energies:
    """Of some tiles, by band: squared grey levels a frequency, NaN where the larger has no such band.

    Attributes:
        own: of the larger.
        shared: of the larger and of the smaller as it is enlarged best: what goes together.
        rest: of what no enlarging of the smaller explains.
        noise: of what compressing adds, where it is known.
        kept: of what compressing leaves of the larger's detail, the share of the amplitude.
    """

    own: NDArray[np.float64]
    shared: NDArray[np.float64]
    rest: NDArray[np.float64]
    noise: NDArray[np.float64]
    kept: NDArray[np.float64]


def _unexplained(rich: _Energies, even: _Energies) -> NDArray[np.float64]:
    """What neither enlarging explains nor noise, be it of compression or what is there without texture too."""
    other_noise = np.maximum(even.rest - even.noise, 0)
    left = np.maximum(rich.rest - rich.noise - other_noise, 0)
    return left + _NOT_KNOWN * (rich.noise + other_noise)


def _fading(rich: _Energies, even: _Energies) -> float:
    def weaker(band: int) -> float:
        own, shared = rich.own[band] - even.own[band], rich.shared[band] - even.shared[band]
        return float(np.log10(max(shared, _LEAST) / max(own, _LEAST) / rich.kept[band]))

    return weaker(_FINE) - weaker(_LOW)


class _Tiles:
    """The same places in both pictures."""

    def __init__(self, larger: Plane, smaller: Plane, lies: Warp, corners: NDArray[np.int64]) -> None:
        back = inverse(lies)
        rows, columns = round(_TILE * back[1, 1]), round(_TILE * back[0, 0])
        middles = corners[:, ::-1] + (_TILE - 1) / 2
        places = middles @ back[:, :2].T + back[:, 2] - (np.array([columns, rows]) - 1) / 2
        self._at = np.clip(np.round(places).astype(int), 0, np.array(larger.shape[::-1]) - (columns, rows))
        self._size = rows, columns
        self._own = np.stack([larger[y : y + rows, x : x + columns] for x, y in self._at.tolist()])
        self._enlarged = np.stack(
            [self._ways(smaller, lies, corner, at) for corner, at in zip(corners.tolist(), self._at, strict=True)],
            axis=1,
        )

    def energies(self, compression: Compression | None) -> _Energies:
        """Those of both, and of what the one explains of the other."""
        bands, own, ways = _bands(*self._size), _spectra(self._own), _spectra(self._enlarged)
        found = np.full((5, len(_BANDS)), np.nan)
        found[3], found[4] = 0, 1
        for band in range(1, len(_BANDS)):
            if (inside := bands == band).any():
                found[:3, band] = _explained(own[:, inside], ways[:, :, inside])
        if compression is not None:
            plain = self._best()
            before, after = _spectra(plain), _spectra(_compressed(plain, self._at, compression))
            for band in range(1, len(_BANDS)):
                if (inside := bands == band).any():
                    found[3:, band] = _lost(before[:, inside], after[:, inside])
        return _Energies(*found)

    def _ways(self, smaller: Plane, lies: Warp, corner: Sequence[int], at: NDArray[np.int64]) -> Plane:
        """(ways, rows, columns): a tile of the smaller, enlarged to lie under that of the larger."""
        y, x = (max(0, place - _MARGIN) for place in corner)
        around = smaller[y : corner[0] + _TILE + _MARGIN, x : corner[1] + _TILE + _MARGIN]
        warp = lies.copy()
        warp[:, 2] += lies[:, :2] @ at - (x, y)
        return np.stack([way(around, warp, self._size) for way in _WAYS])

    def _best(self) -> Plane:
        """The enlarged smaller that is most like the larger, with the larger's own tones."""
        own = self._own - self._own.mean()
        ways = self._enlarged - self._enlarged.mean(axis=(1, 2, 3), keepdims=True)
        best = np.tensordot(_weights(own.reshape(1, -1), ways.reshape(len(ways), -1))[0], ways, 1)
        return np.asarray(best + self._own.mean(), np.float32)


def _nearest(around: Plane, warp: Warp, size: tuple[int, int], offset: tuple[float, float] = (0, 0)) -> Plane:
    moved = np.column_stack([warp[:, :2], warp[:, 2] + offset])
    return _warped(around, moved, size, cv2.INTER_NEAREST)


def _from_corners(around: Plane, warp: Warp, size: tuple[int, int]) -> Plane:
    """As OpenCV and others do: the pixel in which the corner of the larger's pixel is, not its middle."""
    return _nearest(around, warp, size, (-warp[0, 0] / 2 + _HAIR, -warp[1, 1] / 2 + _HAIR))


def _boxes(around: Plane, warp: Warp, size: tuple[int, int]) -> Plane:
    """The mean of what is under a pixel, as Pillow's box and what is called area do."""
    quarters = [(x * warp[0, 0] / 4, y * warp[1, 1] / 4) for x in (-1, 1) for y in (-1, 1)]
    return np.asarray(np.mean([_nearest(around, warp, size, quarter) for quarter in quarters], axis=0), np.float32)


def _linear(around: Plane, warp: Warp, size: tuple[int, int]) -> Plane:
    return _warped(around, warp, size, cv2.INTER_LINEAR)


def _lanczos(around: Plane, warp: Warp, size: tuple[int, int]) -> Plane:
    return _warped(around, warp, size, cv2.INTER_LANCZOS4)


_HAIR = 1e-3
_WAYS = (_nearest, _from_corners, _boxes, _linear, _lanczos)
"""How pictures are enlarged; cubic, and what is sharpened afterwards, is between and beyond these. The last is nearest
to leaving all as it is."""


def _warped(around: Plane, warp: Warp, size: tuple[int, int], how: int) -> Plane:
    flags = how | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(around, warp, size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _chosen(larger: Plane, smaller: Plane, lies: Warp) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(n, 2) each: y and x of tiles with most texture, and with least, of those that are in both pictures."""
    rows, columns = (np.arange(0, length - _TILE + 1, _TILE // 2) for length in smaller.shape)
    corners = np.array([(y, x) for y in rows for x in columns], np.int64).reshape(-1, 2)
    back, far = inverse(lies), np.array(larger.shape[::-1])
    ends = [(corners[:, ::-1] + end) @ back[:, :2].T + back[:, 2] for end in (0, _TILE)]
    corners = corners[((ends[0] >= -1) & (ends[1] <= far + 1)).all(axis=1)]
    if len(corners) < 3 * _FEWEST:
        return None
    edges = cv2.absdiff(smaller, cv2.GaussianBlur(smaller, (0, 0), 1.0))
    texture, grey = (
        cv2.boxFilter(plane, -1, (_TILE, _TILE), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)[tuple(corners.T)]
        for plane in (edges, smaller)
    )
    order = np.argsort(-texture, kind="stable")
    third = len(order) // 3
    even = order[-third:][::-1]
    with_noise = even[(grey[even] > _GREYS[0]) & (grey[even] < _GREYS[1])]
    even = with_noise if len(with_noise) >= _FEWEST else even
    step = 2 if third >= 2 * _TEXTURED else 1  # neighbours overlap
    return corners[order[:third:step][:_TEXTURED]], corners[even[:_EVEN]]


def _spectra(tiles: NDArray[np.floating]) -> NDArray[np.complex128]:
    """(..., rows, columns // 2 + 1) of tiles without their means; squares are energies, of tiles of any size alike."""
    rows, columns = tiles.shape[-2:]
    window = np.outer(_hann(rows), _hann(columns)).astype(np.float32)
    weights = np.sqrt(np.append(1, np.full(columns // 2, 2.0))) / window.size
    centred = tiles.astype(np.float32) - tiles.mean(axis=(-2, -1), keepdims=True, dtype=np.float32)
    return np.asarray(np.fft.rfft2(centred * window) * weights)


@cache
def _hann(length: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(length) + 0.5) / length)


@cache
def _bands(rows: int, columns: int) -> NDArray[np.int64]:
    """In which of `_BANDS` each frequency is; tiles show the same of both pictures, and have the same frequencies."""
    up, along = np.abs(np.fft.fftfreq(rows) * rows), np.arange(columns // 2 + 1)
    return np.asarray(np.digitize(np.maximum(up[:, np.newaxis], along) / (_TILE / 2), _BANDS))


def _explained(own: NDArray[np.complex128], ways: NDArray[np.complex128]) -> tuple[float, float, float]:
    """Mean energies at some frequencies: of the larger, shared with what is nearest to the smaller, and the rest."""
    count = own.size
    values, others = _real(own.reshape(1, -1)), _real(ways.reshape(len(ways), -1))
    rest = values - _weights(values, others) @ others
    return float((values**2).sum() / count), float((values[0] @ others[-1]) / count), float((rest**2).sum() / count)


def _weights(values: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of a sum of some others that is nearest to values."""
    products = (others @ others.T).astype(np.float64)
    products += np.eye(len(products)) * (np.trace(products) * 1e-5 + 1e-9)
    return np.asarray(np.linalg.solve(products, (others @ values.T).astype(np.float64)).T)


def _real(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.concatenate([values.real, values.imag], axis=1)


def _lost(before: NDArray[np.complex128], after: NDArray[np.complex128]) -> tuple[float, float]:
    """Energy of what compressing changed, and how much less what both share is than what came out."""
    noise = float((np.abs(after - before) ** 2).sum() / after.size)
    shared = float((after * before.conj()).real.sum())
    return noise, max(shared, _LEAST) / max(float((np.abs(after) ** 2).sum()), _LEAST)


def _compressed(tiles: Plane, at: NDArray[np.int64], compression: Compression) -> Plane:
    """Tiles as a JPEG with such steps has them: each on its grid of blocks, one below the other."""
    rows, columns = (round(length * compression.scale) for length in tiles.shape[1:])
    at = np.round(at * compression.scale).astype(int) % _BLOCK
    height, width = (-(-length // _BLOCK) * _BLOCK + _BLOCK for length in (rows, columns))
    sheet = np.concatenate(
        [
            cv2.copyMakeBorder(
                _resized(tile, rows, columns, cv2.INTER_CUBIC),
                y, height - rows - y, x, width - columns - x, cv2.BORDER_REPLICATE,
            )
            for tile, (x, y) in zip(tiles, at.tolist(), strict=True)
        ]
    )  # fmt: skip
    file = io.BytesIO()
    grey = np.clip(np.round(sheet), 0, 255).astype(np.uint8)
    Image.fromarray(grey).save(file, "JPEG", qtables=[list(compression.steps)])
    decoded = np.asarray(cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE), np.float32)
    starts = [(number * height + y, x) for number, (x, y) in enumerate(at.tolist())]
    _, height, width = tiles.shape
    return np.stack(
        [_resized(decoded[y : y + rows, x : x + columns], height, width, cv2.INTER_AREA) for y, x in starts]
    )


def _resized(tile: Plane, rows: int, columns: int, how: int) -> Plane:
    return tile if tile.shape == (rows, columns) else np.asarray(cv2.resize(tile, (columns, rows), interpolation=how))
