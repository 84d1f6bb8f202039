"""Headers tell the truth, by the magic bytes, without decoding."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images import TruncatedImage, UnreadableImage, decode, read_header
from cic_assets.domain.images.formats.common import exif_orientation, orientation_of

_XMP = b'<rdf:Description tiff:Orientation="8"/>'


def test_tells_format_and_displayed_size(encoding):
    header = read_header(encoding.data)
    assert header.format == encoding.image_format
    assert (header.width, header.height) == encoding.size
    assert header.pixels == 96 * 64
    assert header.shorter_side == 64


def test_tells_the_orientation(encodings):
    for image_format in ("jpeg", "png", "webp", "tiff", "tiff_big", "avif"):
        for orientation in range(1, 9):
            header = read_header(encodings[f"{image_format}_exif_{orientation}"].data)
            assert header.orientation == orientation
            assert header.stored_size == ((64, 96) if orientation >= 5 else (96, 64))


@pytest.mark.parametrize(
    ("name", "mode", "bits"),
    [
        ("grey_jpeg", "grey", 8),
        ("cmyk_jpeg", "cmyk", 8),
        ("rgb_jpeg", "rgb", 8),
        ("grey_png_16_bit", "grey", 16),
        ("grey_alpha_png", "grey+alpha", 8),
        ("rgba_png_16_bit", "rgba", 16),
        ("palette_png", "palette", 4),
        ("1_bit_png", "grey", 1),
        ("1_bit_bmp", "palette", 1),
        ("bmp", "rgb", 8),
        ("gif", "palette", 8),
        ("rgba_webp", "rgba", 8),
        ("lossy_webp", "rgb", 8),
        ("grey_tiff_16_bit", "grey", 16),
        ("grey_tiff_float", "grey", 32),
        ("palette_tiff", "palette", 8),
        ("cmyk_tiff", "cmyk", 8),
        ("rgba_tiff", "rgba", 8),
        ("1_bit_tiff", "grey", 1),
        ("grey_tiff_12_bit", "grey", 12),
        ("rgba_avif", "rgba", 8),
        ("rgba_heif", "rgba", 8),
    ],
)
def test_tells_what_a_pixel_is_made_of(encodings, name, mode, bits):
    header = read_header(encodings[name].data)
    assert (header.mode, header.bits) == (mode, bits)


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "comment": b"\xff\xd9" * 9}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": bytes(20)}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "jpeg"}),
        ("TIFF", {"big_endian": True}),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (257, 2), (640, 479)])
def test_agrees_with_pillow_on_sizes(saved, image_format, options, size):
    data = saved(Image.new("RGB", size, "teal"), image_format, **options)
    header = read_header(data)
    assert (header.width, header.height) == Image.open(io.BytesIO(data)).size == size


def test_reads_a_bmp_of_every_kind(saved):
    top_down = bytearray(saved(Image.new("RGB", (9, 7)), "BMP"))
    struct.pack_into("<i", top_down, 22, -7)
    assert (read_header(bytes(top_down)).width, read_header(bytes(top_down)).height) == (9, 7)
    os2 = b"BM" + struct.pack("<IHHI", 26 + 28 * 7, 0, 0, 26) + struct.pack("<IHHHH", 12, 9, 7, 1, 24) + bytes(28 * 7)
    assert (read_header(os2).width, read_header(os2).height) == (9, 7)


def test_a_first_picture_larger_than_the_gif_screen_counts(encodings):
    data = bytearray(encodings["gif"].data)
    struct.pack_into("<HH", data, 6, 3, 3)
    assert (read_header(bytes(data)).width, read_header(bytes(data)).height) == (96, 64)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no bytes"),
        (b"\xef\xbb\xbf \n<!DOCTYPE HTML><title>removed</title>", "an HTML page"),
        (b"<html>", "an HTML page"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b'{"error": 404}', "JSON"),
        (b"\0\0\0\x1cftypavif" + bytes(16), "avif that ends before its pixels, after 28 bytes"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0miafheic" + bytes(4), "heif that ends before its pixels"),
        (b"\0\0\0\x18ftypmp42" + bytes(20), "video"),
        (b"RIFF\0\0\0\0WAVEfmt ", "52 49 46 46"),
        (b"MZ\x90\0\x03\0\0\0", "4d 5a 90"),
    ],
)
def test_says_what_other_bytes_seem_to_be(data, says):
    with pytest.raises(UnreadableImage, match=says):
        read_header(data)


def test_a_header_that_ends_too_soon_is_truncated(encoding):
    with pytest.raises(TruncatedImage, match=r"ends|bytes|marker"):
        read_header(encoding.data[:14])


@pytest.mark.parametrize("name", ["gif", "bmp", "rgba_png", "grey_jpeg"])
def test_a_side_of_nought_is_no_picture(encodings, name):
    places = {"gif": None, "bmp": (18, "<i"), "rgba_png": (16, ">I"), "grey_jpeg": None}
    data = bytearray(encodings[name].data)
    if name == "gif":
        start = data.index(b"\x2c", 13 + 24)
        struct.pack_into("<HH", data, 6, 0, 0)
        struct.pack_into("<HHHH", data, start + 1, 0, 0, 0, 0)
    elif name == "grey_jpeg":
        struct.pack_into(">H", data, data.index(b"\xff\xc0") + 5, 0)
    else:
        offset, layout = places[name]
        struct.pack_into(layout, data, offset, 0)
    with pytest.raises(UnreadableImage, match=r"0 x|x 0"):
        read_header(bytes(data))


@pytest.mark.parametrize("order", ["<", ">"])
def test_broken_exif_is_no_orientation(order):
    def exif(count: int, kind: int, value: int, directory: int = 8) -> bytes:
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", directory)
        return head + struct.pack(order + "HHHIHH", count, 0x112, kind, 1, value, 0)

    assert exif_orientation(exif(1, 3, 6)) == 6
    assert orientation_of(exif(1, 3, 6), _XMP) == 6
    assert orientation_of(exif(1, 3, 9), _XMP) == 8
    assert exif_orientation(b"Exif\0\0" + exif(1, 3, 6)) == 6
    assert exif_orientation(exif(60_000, 3, 8)) == 8
    for broken in (exif(1, 3, 0), exif(1, 3, 9), exif(1, 4, 6), exif(1, 3, 6, 2**32 - 1), exif(0, 3, 6), b"", b"II*\0"):
        assert exif_orientation(broken) == 0
        assert orientation_of(broken, b"") == 1
    for length in range(21):
        assert exif_orientation(exif(1, 3, 6)[:length]) == 0


@pytest.mark.parametrize(
    "xmp",
    [_XMP, b"<tiff:Orientation> 8</tiff:Orientation>", b"<x tiff:Orientation='8'/>"],
    ids=["attribute", "element", "quoted"],
)
def test_xmp_tells_the_orientation_where_exif_does_not(saved, chunk, xmp):
    image = Image.new("RGB", (30, 20), "teal")
    png, text = saved(image, "PNG"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    files = {
        "jpeg": saved(image, "JPEG", xmp=xmp),
        "webp": saved(image, "WEBP", xmp=xmp),
        "tiff": saved(image, "TIFF", tiffinfo={700: xmp}),
        "png": png[:33] + text + png[33:],
        "png after its pixels": png[:-12] + text + png[-12:],
        "avif": saved(image, "AVIF", xmp=xmp),
    }
    found = {name: (read_header(data).orientation, decode(data).shape[:2]) for name, data in files.items()}
    assert found == dict.fromkeys(files, (8, (30, 20)))


def test_exif_after_the_pixels_of_a_png_counts(encodings, chunk):
    data = encodings["png_exif_6"].data
    start = data.index(b"eXIf") - 4
    (length,) = struct.unpack_from(">I", data, start)
    exif, rest = data[start : start + 12 + length], data[:start] + data[start + 12 + length :]
    assert read_header(rest).orientation == 1
    assert read_header(rest[:-12] + exif + rest[-12:]).orientation == 6


def test_without_its_extra_heic_says_what_to_install(encodings, tmp_path):
    (tmp_path / "a.heic").write_bytes(encodings["heif"].data)
    program = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from cic_assets.domain.images import inspect\n"
        "found = inspect(open(sys.argv[1], 'rb').read()); print(found.outcome, found.reason)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.heic"], capture_output=True, text=True, check=True
    )
    assert (
        told.stdout
        == "not_an_image heic, which is read once the extra heic is installed: pip install 'cic-assets[heic]'\n"
    )


def test_nothing_is_decoded(saved):
    data = saved(Image.fromarray(np.zeros((400, 300, 3), np.uint8)), "PNG")
    pixels = data.index(b"IDAT")
    assert read_header(data[: pixels + 4] + bytes(50)).width == 300
