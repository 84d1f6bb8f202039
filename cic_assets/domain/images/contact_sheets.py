"""Many pictures on one: what the UI and the report show of a set, small enough to be inlined."""

import importlib.util
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cic_assets.domain.images.encoding import encode_jpeg
from cic_assets.domain.images.pixels import Rgb, require_rgb

_GAP = 8
_PAPER = (250, 250, 249)
_TILE = (231, 229, 228)
_INK = (41, 37, 36)
_FONT_SIZE = 12
_CAPTION_LINE = 16
_CAPTION_LINES = 2
_LONGEST_CAPTION = 200
_QUALITIES = (90, 82, 74, 66, 58, 50)
_SHRINK = 0.85
_SMALLEST_TILE = 72
_SMALLEST_SHEET = 2_000


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet: (height, width, 3) RGB, and a line or two below it, which may come from anybody."""

    image: Rgb
    caption: str = ""

    def __post_init__(self) -> None:
        require_rgb(self.image)


def contact_sheet(tiles: Sequence[Tile], columns: int = 6, tile_side: int = 160, max_bytes: int = 100_000) -> bytes:
    """A sheet of pictures with captions, as a JPEG of at most `max_bytes`.

    Pictures keep their shape, on squares of `tile_side` pixels. A sheet that comes out too large is compressed harder,
    then drawn with smaller pictures (so that captions stay sharp), at last made smaller as a whole, until it fits.

    Raises:
        ValueError: no tiles, or so few bytes that nothing would be recognised.
    """
    if not tiles:
        raise ValueError("a contact sheet needs at least one picture")
    if columns < 1 or tile_side < 8 or max_bytes < _SMALLEST_SHEET:  # noqa: PLR2004 - a tile one can see
        raise ValueError(
            f"{columns} columns of {tile_side} pixels in {max_bytes} bytes: "
            f"at least 1 column, 8 pixels and {_SMALLEST_SHEET} bytes are needed"
        )
    while True:
        sheet = _draw(tiles, min(columns, len(tiles)), tile_side)
        if jpeg := _compressed(sheet, max_bytes):
            return jpeg
        if tile_side < _SMALLEST_TILE:
            return _shrunk(sheet, max_bytes)
        tile_side = int(tile_side * _SHRINK)


def pair_sheet(
    pairs: Sequence[tuple[Tile, Tile]], tile_side: int = 160, pairs_per_row: int = 2, max_bytes: int = 100_000
) -> bytes:
    """A sheet of pairs side by side, before and after, or kept and dropped; see `contact_sheet`."""
    tiles = [tile for pair in pairs for tile in pair]
    return contact_sheet(tiles, 2 * min(pairs_per_row, max(1, len(pairs))), tile_side, max_bytes)


def _compressed(sheet: Rgb, max_bytes: int) -> bytes | None:
    """The best JPEG of a sheet that fits; None if it would look bad."""
    for quality in _QUALITIES:
        jpeg = encode_jpeg(sheet, quality)
        if len(jpeg) <= max_bytes:
            return jpeg
    return None


def _shrunk(sheet: Rgb, max_bytes: int) -> bytes:
    while True:
        size = max(1, int(sheet.shape[1] * _SHRINK)), max(1, int(sheet.shape[0] * _SHRINK))
        sheet = np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8)
        if jpeg := _compressed(sheet, max_bytes):
            return jpeg


def _draw(tiles: Sequence[Tile], columns: int, side: int) -> Rgb:
    caption_height = _CAPTION_LINES * _CAPTION_LINE if any(tile.caption for tile in tiles) else 0
    rows = -(-len(tiles) // columns)
    step_x, step_y = side + _GAP, side + caption_height + _GAP
    sheet = Image.new("RGB", (_GAP + columns * step_x, _GAP + rows * step_y), _PAPER)
    for index, tile in enumerate(tiles):
        left, top = _GAP + index % columns * step_x, _GAP + index // columns * step_y
        sheet.paste(_framed(tile.image, side), (left, top))
        if tile.caption:
            sheet.paste(_caption(tile.caption, side, caption_height), (left, top + side))
    return np.asarray(sheet)


def _framed(rgb: Rgb, side: int) -> Image.Image:
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    frame = Image.new("RGB", (side, side), _TILE)
    picture = Image.fromarray(cv2.resize(rgb, size, interpolation=method))
    frame.paste(picture, ((side - size[0]) // 2, (side - size[1]) // 2))
    return frame


def _caption(text: str, width: int, height: int) -> Image.Image:
    """A caption on a strip of its own, so that nothing in it can be drawn over a neighbour."""
    strip = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(strip)
    for line, words in enumerate(_lines(_printable(text), width)):
        draw.text((0, 2 + line * _CAPTION_LINE), words, fill=_INK, font=_font())
    return strip


def _printable(text: str) -> str:
    """Text without what could break out of its line: controls, direction marks, stacked accents, endless length."""
    text = unicodedata.normalize("NFC", text[:_LONGEST_CAPTION])
    kept = (" " if char.isspace() else char for char in text if char.isprintable() or char.isspace())
    return "".join(char for char in kept if not unicodedata.combining(char)).strip()


def _lines(text: str, width: int) -> list[str]:
    """Text over at most two lines of a width in pixels: broken at words where it can be, cut short by an ellipsis."""
    lines: list[str] = []
    while text and len(lines) < _CAPTION_LINES - 1:
        line = _fitting(text, width)
        if len(line) < len(text) and " " in line:
            line = line[: line.rindex(" ")]
        lines.append(line)
        text = text[len(line) :].strip()
    if text:
        line = _fitting(text, width)
        lines.append(line if line == text else _fitting(text, width - _font().getlength("…")) + "…")
    return lines


def _fitting(text: str, width: float) -> str:
    """As much of the beginning of a text as fits a width in pixels, at least one character."""
    ends = range(2, len(text) + 1)
    return text[: bisect_right(ends, width, key=lambda end: _font().getlength(text[:end])) + 1]


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans, which has most scripts, out of matplotlib's folder (without importing it); else Pillow's own."""
    spec = importlib.util.find_spec("matplotlib")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            # BASIC: the other engine shapes text with a large library that hostile text need not reach.
            return ImageFont.truetype(str(path), _FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(_FONT_SIZE)
