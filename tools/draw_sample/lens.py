"""Between the vehicle and the file: rain, snow and dust in the air, and what a cheap camera adds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.draw_sample.backdrops import Canvas
from tools.draw_sample.geometry import Floats, floats
from tools.draw_sample.textures import noise

_DROPS = 500
_FLAKES = 260


def let_fall(canvas: Canvas, falling: str) -> None:
    """Let "rain", "snow" or "dust" fall, or "" nothing."""
    if not falling:
        return
    veil, colour = {"rain": _rain, "snow": _snow, "dust": _dust}[falling](canvas)
    canvas.pixels[:] += veil[..., None] * (colour - canvas.pixels)


def _bright(canvas: Canvas) -> Floats:
    return floats(np.clip(floats(canvas.hour.skyline) * 1.1 + 20, 0, 255))


def _rain(canvas: Canvas) -> tuple[Floats, Floats]:
    """How much of each pixel the streaks cover, and their colour."""
    rng, size = canvas.rng, canvas.height
    veil = np.zeros((canvas.height, canvas.width), np.float32)
    for _ in range(_DROPS):
        x, y, length = int(rng.integers(canvas.width)), int(rng.integers(size)), int(size * rng.uniform(0.02, 0.05))
        cv2.line(veil, (x, y), (x - size // 90, y + length), (0.28,), 1, cv2.LINE_AA)
    return veil, _bright(canvas)


def _snow(canvas: Canvas) -> tuple[Floats, Floats]:
    rng, size = canvas.rng, canvas.height
    veil = np.zeros((canvas.height, canvas.width), np.float32)
    for _ in range(_FLAKES):
        place, radius = (
            (int(rng.integers(canvas.width)), int(rng.integers(size))),
            int(rng.integers(1, size // 300 + 3)),
        )
        cv2.circle(veil, place, radius, (float(rng.uniform(0.4, 0.9)),), -1, cv2.LINE_AA)
    return veil, _bright(canvas)


def _dust(canvas: Canvas) -> tuple[Floats, Floats]:
    clouds = noise(canvas.rng, canvas.height, canvas.width, cell=canvas.height * 0.6)
    return floats(np.clip(clouds * 0.12 + 0.16, 0, 0.5)), floats(canvas.lit((206, 180, 140), 0))


def develop(canvas: Canvas, roll: float) -> NDArray[np.uint8]:
    """The finished (H, W, 3) uint8 RGB picture: askew by `roll` degrees, vignetted, exposed, grainy."""
    rng, pixels = canvas.rng, _rolled(canvas.pixels, roll) if roll else canvas.pixels
    height, width = pixels.shape[:2]
    exposure = rng.uniform(0.95, 1.2) * rng.uniform(0.97, 1.03, 3)
    exposed = cv2.multiply(pixels, cv2.resize(_vignette(rng.uniform(0, 0.14)) * floats(exposure), (width, height)))
    grain = _grain(rng, height, width) * floats(rng.uniform(1.0, 4.5))
    return np.asarray(cv2.add(exposed, cv2.merge([grain] * 3), dtype=cv2.CV_8U), np.uint8)


def _vignette(strength: float) -> Floats:
    """(32, 32, 1) how much light arrives: less towards the corners."""
    square = np.linspace(-1, 1, 32, dtype=np.float32) ** 2
    return floats(1 - strength * (square[None] + square[:, None]))[..., None]


def _rolled(pixels: Floats, roll: float) -> Floats:
    """Turned, and enlarged so that no corner is empty."""
    height, width = pixels.shape[:2]
    turn = np.radians(abs(roll))
    zoom = float(np.cos(turn) + np.sin(turn) * max(width / height, height / width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, zoom)
    return floats(
        cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    )


def _grain(rng: np.random.Generator, height: int, width: int) -> Floats:
    """(height, width) of normal noise, from a smaller sheet laid out again and again: nobody sees it repeat."""
    sheet = rng.standard_normal((256, 256), np.float32)
    return np.tile(sheet, (height // 256 + 1, width // 256 + 1))[:height, :width]
