"""One small picture whose every corner is another colour, in every encoding that people post."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

pillow_heif.register_heif_opener()  # and writes it

WIDTH, HEIGHT = 96, 64


@dataclass(frozen=True)
class Encoding:
    """A way to store the picture: how, what it should decode to, and how far off a lossy one may be."""

    name: str
    data: bytes
    image_format: str
    expected: np.ndarray
    tolerance: int
    size: tuple[int, int] = (WIDTH, HEIGHT)


def _picture() -> np.ndarray:
    """Red, green, blue, yellow corners around a white and black middle: a turn, mirror or swapped channel shows."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:32, :48], rgb[:32, 48:] = (220, 30, 40), (30, 180, 60)
    rgb[32:, :48], rgb[32:, 48:] = (40, 60, 200), (230, 210, 40)
    rgb[24:40, 32:48], rgb[24:40, 48:64] = 255, 0
    return rgb


def _grey(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def _as_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None].astype(np.uint8), 3, axis=2)


def _saved(image: Image.Image, image_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def _exif(orientation: int) -> bytes:
    return b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HH", orientation, 0) + bytes(4)


def _stored_for(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels that, shown as the EXIF orientation says, are upright: its definition, pixel by pixel (EXIF 2.3)."""
    height, width = upright.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    last_row, last_column = height - 1 - rows, width - 1 - columns
    where = {  # at which stored row and column a displayed pixel is found
        1: (rows, columns), 2: (rows, last_column), 3: (last_row, last_column), 4: (last_row, columns),
        5: (columns, rows), 6: (last_column, rows), 7: (last_column, last_row), 8: (columns, last_row),
    }[orientation]  # fmt: skip
    stored = np.zeros((width, height, 3) if orientation >= 5 else upright.shape, np.uint8)
    stored[where] = upright
    return stored


def _png(width: int, height: int, depth: int, colour: int, rows: list[bytes], *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG written by hand, for what Pillow cannot write."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), *extra]
    chunks += [(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, content) for name, content in chunks)


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _turned(rgb: np.ndarray) -> list[Encoding]:
    found = []
    for orientation in range(1, 9):
        stored = Image.fromarray(_stored_for(rgb, orientation))
        exif = _exif(orientation)
        tag = {"tiffinfo": {274: orientation}}
        for name, image_format, options, tolerance in (
            ("jpeg", "JPEG", {"exif": exif, "quality": 95, "subsampling": 0}, 24),
            ("png", "PNG", {"exif": exif}, 0),
            ("webp", "WEBP", {"exif": exif, "lossless": True}, 0),
            ("tiff", "TIFF", tag, 0),
            ("tiff_lzw", "TIFF", tag | {"compression": "tiff_lzw"}, 0),
            ("tiff_big", "TIFF", tag | {"big_tiff": True}, 0),
            ("avif", "AVIF", {"exif": exif, "quality": 95, "subsampling": "4:4:4"}, 60),
        ):
            data = _saved(stored, image_format, **options)
            found.append(Encoding(f"{name}_exif_{orientation}", data, name.split("_")[0], rgb, tolerance))
    return found


def _with_alpha(rgb: np.ndarray) -> list[Encoding]:
    """Alpha over colours that must not appear where it is nought."""
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, 72:], alpha[48:, :] = 0, 128
    weight = alpha[:, :, None] / 255
    flat = np.round(rgb * weight + 255 * (1 - weight)).astype(np.uint8)
    grey = _grey(rgb)
    flat_grey = _as_rgb(np.round(grey * weight[:, :, 0] + 255 * (1 - weight[:, :, 0])))
    rgba = Image.fromarray(np.dstack([rgb, alpha]))
    la = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    deep = (np.dstack([rgb, alpha]).astype(">u2") * 257).reshape(HEIGHT, -1)
    return [
        Encoding("rgba_png", _saved(rgba, "PNG"), "png", flat, 1),
        Encoding("rgba_webp", _saved(rgba, "WEBP", lossless=True, exact=True), "webp", flat, 1),
        Encoding("rgba_tiff", _saved(rgba, "TIFF"), "tiff", flat, 1),
        Encoding("rgba_avif", _saved(rgba, "AVIF", quality=95, subsampling="4:4:4"), "avif", flat, 60),
        Encoding("rgba_heif", _saved(rgba, "HEIF", quality=95, chroma=444), "heif", flat, 60),
        Encoding("grey_alpha_png", _saved(la, "PNG"), "png", flat_grey, 1),
        Encoding("rgba_png_16_bit", _png(WIDTH, HEIGHT, 16, 6, [row.tobytes() for row in deep]), "png", flat, 1),
    ]


def _with_palette(rgb: np.ndarray) -> list[Encoding]:
    palette = Image.fromarray(rgb).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    index = int(np.asarray(palette)[0, 0])
    holed = rgb.copy()
    holed[(rgb == rgb[0, 0]).all(axis=2)] = 255
    frames = [Image.fromarray(rgb), Image.fromarray(255 - rgb)]
    return [
        Encoding("palette_png", _saved(palette, "PNG"), "png", rgb, 0),
        Encoding("palette_png_transparent", _saved(palette, "PNG", transparency=index), "png", holed, 0),
        Encoding("gif", _saved(palette, "GIF"), "gif", rgb, 0),
        Encoding("gif_transparent", _saved(palette, "GIF", transparency=index), "gif", holed, 0),
        Encoding("gif_animated", _animated(frames, "GIF"), "gif", rgb, 0),
        Encoding("webp_animated", _animated(frames, "WEBP", lossless=True), "webp", rgb, 0),
        Encoding("palette_bmp", _saved(palette, "BMP"), "bmp", rgb, 0),
        Encoding("palette_tiff", _saved(palette, "TIFF"), "tiff", rgb, 0),
    ]


def _animated(frames: list[Image.Image], image_format: str, **options) -> bytes:
    return _saved(frames[0], image_format, save_all=True, append_images=frames[1:], duration=50, **options)


def _tiff_of_12_bits(grey: np.ndarray) -> bytes:
    """What microscopes and scanners write, two values in three bytes; by hand, for Pillow cannot."""
    values = np.round(grey.ravel() * (4095 / 255)).astype(int)
    packed = bytearray()
    for one, other in values.reshape(-1, 2).tolist():
        packed += bytes([one >> 4, (one & 15) << 4 | other >> 8, other & 255])
    tags = {256: WIDTH, 257: HEIGHT, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: HEIGHT, 279: len(packed)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack("<4sI", b"II*\0", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)


def _in_grey(rgb: np.ndarray) -> list[Encoding]:
    grey = _grey(rgb)
    deep = grey.astype(np.uint16) * 257
    deep_png = _png(WIDTH, HEIGHT, 16, 0, [row.tobytes() for row in deep.astype(">u2")])
    bits = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    black_and_white = _as_rgb(np.asarray(bits) * 255)
    floats = Image.fromarray(grey.astype(np.float32) / 255)
    return [
        Encoding("grey_jpeg", _saved(Image.fromarray(grey), "JPEG", quality=95), "jpeg", _as_rgb(grey), 24),
        Encoding("grey_png_16_bit", deep_png, "png", _as_rgb(grey), 0),
        Encoding("grey_tiff_12_bit", _tiff_of_12_bits(grey), "tiff", _as_rgb(grey), 1),
        Encoding("grey_tiff_16_bit", _saved(Image.fromarray(deep), "TIFF"), "tiff", _as_rgb(grey), 0),
        Encoding("grey_tiff_float", _saved(floats, "TIFF"), "tiff", _as_rgb(grey), 0),
        Encoding("1_bit_png", _saved(bits, "PNG"), "png", black_and_white, 0),
        Encoding("1_bit_bmp", _saved(bits, "BMP"), "bmp", black_and_white, 0),
        Encoding("1_bit_tiff", _saved(bits, "TIFF", compression="group4"), "tiff", black_and_white, 0),
    ]


def _in_colour(rgb: np.ndarray) -> list[Encoding]:
    image = Image.fromarray(rgb)
    # Pillow's CMYK knows no profiles: the naive conversion there and back is the identity for these colours.
    cmyk = image.convert("CMYK")
    deep = _png(WIDTH, HEIGHT, 16, 2, [row.tobytes() for row in (rgb.astype(">u2") * 257).reshape(HEIGHT, -1)])
    crisp = {"quality": 95, "subsampling": 0}
    return [
        Encoding("progressive_jpeg", _saved(image, "JPEG", progressive=True, **crisp), "jpeg", rgb, 24),
        Encoding("rgb_jpeg", _saved(image, "JPEG", keep_rgb=True, quality=95), "jpeg", rgb, 24),
        Encoding("restarts_jpeg", _saved(image, "JPEG", restart_marker_blocks=2, **crisp), "jpeg", rgb, 24),
        Encoding("cmyk_jpeg", _saved(cmyk, "JPEG", **crisp), "jpeg", rgb, 24),
        Encoding("ycck_jpeg", _ycck(cmyk, crisp), "jpeg", rgb, 24),
        Encoding("cmyk_tiff", _saved(cmyk, "TIFF"), "tiff", rgb, 1),
        Encoding("rgb_png_16_bit", deep, "png", rgb, 1),
        Encoding("bmp", _saved(image, "BMP"), "bmp", rgb, 0),
        Encoding("lossy_webp", _saved(image, "WEBP", quality=95), "webp", rgb, 120),
        Encoding("heif", _saved(image, "HEIF", quality=95, chroma=444), "heif", rgb, 60),
        Encoding("tiff_deflate", _saved(image, "TIFF", compression="tiff_adobe_deflate"), "tiff", rgb, 0),
    ]


def _ycck(cmyk: Image.Image, options: dict) -> bytes:
    """Photoshop's way: C, M and Y turned into luminance and colour differences, which the Adobe marker then says."""
    inks = np.asarray(cmyk)
    ycc = np.asarray(Image.fromarray(np.ascontiguousarray(inks[:, :, :3])).convert("YCbCr"))
    # Pillow stores inks inverted, the decoder inverts once more after the colour transform.
    data = bytearray(
        _saved(
            Image.merge("CMYK", [*map(Image.fromarray, 255 - ycc.transpose(2, 0, 1)), cmyk.getchannel("K")]),
            "JPEG",
            **options,
        )
    )
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def all_encodings() -> list[Encoding]:
    rgb = _picture()
    return [*_turned(rgb), *_with_alpha(rgb), *_with_palette(rgb), *_in_grey(rgb), *_in_colour(rgb)]


ENCODINGS = all_encodings()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "encoding" in metafunc.fixturenames:
        metafunc.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)


@pytest.fixture(scope="session")
def encodings() -> dict[str, Encoding]:
    """Every encoding by its name."""
    return {encoding.name: encoding for encoding in ENCODINGS}


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """The picture that the encodings store."""
    return _picture()


@pytest.fixture(scope="session")
def saved() -> Callable[..., bytes]:
    """`saved(image, "PNG", **options)`: an image as a file's bytes."""
    return _saved


@pytest.fixture(scope="session")
def chunk() -> Callable[[bytes, bytes], bytes]:
    """One PNG chunk with its length and checksum."""
    return png_chunk


@pytest.fixture(scope="session")
def synthetic_photo() -> Callable[..., np.ndarray]:
    """`synthetic_photo(width, height, seed)`: a picture with a photo's spectrum: edges, gradients and fine texture."""

    @cache
    def make(width: int, height: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        # Drawn in coarse and enlarged, as a lens does; the grain of a sensor is as fine as its pixels.
        rows, columns = np.mgrid[:height:2, :width:2] / max(width, height)
        layers = np.zeros((*rows.shape, 3), np.float32)
        for octave in 2.0 ** np.arange(1, 7):
            for channel in range(3):
                down, across = rng.normal(size=2) * octave * 3
                layers[:, :, channel] += np.sin(down * rows + across * columns + rng.uniform(0, 7)) / octave
        for _ in range(12):
            radius, colour = rng.uniform(0.03, 0.2), rng.normal(size=3) * 0.7
            layers[(rows - rng.uniform(0, 1)) ** 2 + (columns - rng.uniform(0, 1)) ** 2 < radius**2] += colour
        photo = cv2.resize(128 + 60 * layers, (width, height), interpolation=cv2.INTER_CUBIC)
        photo += rng.standard_normal(photo.shape, np.float32)
        rgb = np.clip(photo, 0, 255).astype(np.uint8)
        rgb.setflags(write=False)  # it is kept for the next test
        return rgb

    return make
