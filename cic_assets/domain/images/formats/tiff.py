"""TIFF (revision 6), and BigTIFF with its 64-bit offsets: the first directory. Further pages are not looked at.

Values are looked at where they lie, and never made into Python's numbers, of which each takes ten times as much.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.images.formats.common import (
    ORIENTATION_TAG,
    PILLOW_PIXEL_BYTES,
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    make_header,
    orientation_of,
    unpack,
)
from cic_assets.domain.images.settings import PIXEL_CEILING

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WIDTH, _HEIGHT, _BITS, _COLOUR = 256, 257, 258, 262
_COMPRESSION, _STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES = 259, 273, 277, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_PARTS = (_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES)
_COLOUR_MAP, _JPEG_TABLES, _XMP = 320, 347, 700
_OTHERS = (
    266, 284, 292, 293, 317, 332, 334, 338, 339, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532,
)  # fmt: skip
"""Fill order, planes, fax options, predictor, inks, extra samples, sample format, old JPEG, YCbCr."""
_MOST_VALUES = {
    **dict.fromkeys(_PARTS, 200_000),  # tiles of 16 x 16 in 50 million pixels
    _COLOUR_MAP: 3 * 2**16,
    _JPEG_TABLES: 2**16,
    **dict.fromkeys((_WIDTH, _HEIGHT, _BITS, _COLOUR, _COMPRESSION, _SAMPLES, _STRIP_ROWS), 64),
    **dict.fromkeys((_TILE_WIDTH, _TILE_HEIGHT, *_OTHERS), 64),
}
"""The tags that make pixels, with how many values they may have: of as many as fit into a file Pillow makes numbers."""
_PART_BYTES = 400
"""What Pillow takes for each strip or tile."""
_JPEG = 7
_JPEG_PIXEL_BYTES = 8
"""A strip or tile that is a progressive JPEG keeps two bytes for each of up to four channels until its last scan."""
_LETTERS = {1: "u1", 3: "u2", 4: "u4", 7: "u1", 16: "u8"}
_OTHER_SIZES = {5: 8}  # fractions
_MODES: dict[int, Mode] = {0: "grey", 1: "grey", 2: "rgb", 3: "palette", 5: "cmyk", 6: "ycc", 8: "lab"}


def read_header(data: bytes) -> Header:
    """Size, channels, depth and orientation of the first page."""
    tags = _Directory(data)
    colour = tags.first(_COLOUR, 1)
    if colour not in _MODES:
        raise UnreadableImage(f"tiff with an unknown colour space {colour}")
    if tags.first(_TILE_WIDTH, 1) * tags.first(_TILE_HEIGHT, 1) > PIXEL_CEILING:
        raise UnreadableImage("tiff with tiles larger than any picture")
    orientation = tags.first(ORIENTATION_TAG, 0)
    part_bytes = _part_bytes(tags)
    return make_header(
        "tiff",
        tags.first(_WIDTH, 0),
        tags.first(_HEIGHT, 0),
        _mode(colour, tags.first(_SAMPLES, 1)),
        bits=tags.first(_BITS, 1),
        orientation=orientation if 1 <= orientation <= 8 else orientation_of(b"", tags.values(_XMP).tobytes()),  # noqa: PLR2004 - EXIF
        more_bytes=part_bytes,
    )


def only_pixels(data: bytes) -> bytes:
    """The same picture with a directory at its end of only those tags that make pixels.

    Decoders read whatever a directory points to, metadata of any size and further pages included. Without its
    orientation, which Pillow would apply to TIFF and to nothing else.

    Raises:
        TruncatedImage: a strip or tile of the first page lies outside the data.
    """
    tags = _Directory(data)
    for offsets, sizes in ((_STRIP_OFFSETS, _STRIP_BYTES), (_TILE_OFFSETS, _TILE_BYTES)):
        starts, lengths = tags.values(offsets), tags.values(sizes)
        parts = min(len(starts), len(lengths))
        needed = int((starts[:parts].astype(np.uint64) + lengths[:parts].astype(np.uint64)).max(initial=0))
        if needed > len(data):
            raise TruncatedImage(f"{len(data):,} of {needed:,} bytes")
    padding = bytes(len(data) % 2)
    return tags.head(len(data) + len(padding)) + data[tags.form.head :] + padding + tags.without_metadata()


class _Form(NamedTuple):
    """How numbers stand in a directory: their order, and those of a TIFF or of a BigTIFF.

    Attributes:
        order: of `struct`.
        head: bytes before anything else.
        offset: letter of an offset into the file, which also is the length of a value in its entry.
        entries: letter of their number.
    """

    order: Literal["<", ">"]
    head: int
    offset: Literal["I", "Q"]
    entries: Literal["H", "Q"]

    @property
    def inline(self) -> int:
        """Bytes of a value that stand in its entry."""
        return 8 if self.offset == "Q" else 4

    @property
    def name(self) -> Literal["little", "big"]:
        """What Python calls the order."""
        return "little" if self.order == "<" else "big"

    @property
    def entry(self) -> np.dtype[np.void]:
        number = f"{self.order}u{self.inline}"
        short = f"{self.order}u2"
        return np.dtype([("tag", short), ("kind", short), ("count", number), ("value", number)])


class _Directory:
    """The first directory. Of a tag that is there twice the first counts.

    Raises:
        TruncatedImage: the directory lies outside the data.
    """

    def __init__(self, data: bytes) -> None:
        order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
        self.form = _Form(order, 16, "Q", "Q") if b"+" in data[2:4] else _Form(order, 8, "I", "H")
        self._data = data
        offset_at = self.form.head // 2
        (start,) = unpack(order + self.form.offset, data, offset_at, "the tiff header")
        (count,) = unpack(order + self.form.entries, data, start, "the tiff directory")
        self._start = start + np.dtype(self.form.entries).itemsize
        end = self._start + count * self.form.entry.itemsize
        unpack(order + self.form.offset, data, end, "the tiff directory")  # where the next page is
        self._entries = np.frombuffer(data, self.form.entry, count, self._start)
        wanted = np.isin(self._entries["tag"], [*_MOST_VALUES, ORIENTATION_TAG, _XMP])
        self._at: dict[int, int] = {}
        for index in np.flatnonzero(wanted).tolist():
            self._at.setdefault(int(self._entries["tag"][index]), index)

    def first(self, tag: int, default: int) -> int:
        """The first value of a tag, or another where it has none."""
        values = self.values(tag)
        return int(values[0]) if len(values) else default

    def values(self, tag: int) -> NDArray[np.unsignedinteger]:
        """The values of a tag of whole numbers; none if it is not there or of another kind.

        Raises:
            TruncatedImage: they lie outside the data.
            UnreadableImage: they are more than any picture has.
        """
        kind = int(self._entries["kind"][self._at[tag]]) if tag in self._at else 0
        if kind not in _LETTERS:
            return np.empty(0, np.uint8)
        dtype = np.dtype(self.form.order + _LETTERS[kind])
        return np.frombuffer(self._data, dtype, *self._place(tag, dtype.itemsize))

    def head(self, directory: int) -> bytes:
        """The file's first bytes, for a directory that begins elsewhere."""
        size = self.form.inline
        return self._data[: self.form.head - size] + directory.to_bytes(size, self.form.name)

    def without_metadata(self) -> bytes:
        """A directory of those entries that make pixels, whose values stay where they are."""
        entries = b"".join(self._kept())
        count = len(entries) // self.form.entry.itemsize
        return count.to_bytes(np.dtype(self.form.entries).itemsize, self.form.name) + entries + bytes(self.form.inline)

    def _kept(self) -> Iterator[bytes]:
        for tag in sorted(self._at.keys() & _MOST_VALUES.keys()):
            entry = self._entries[self._at[tag]]
            if size := _size_of(int(entry["kind"])):
                self._place(tag, size)
                yield entry.tobytes()

    def _place(self, tag: int, size: int) -> tuple[int, int]:
        """How many values a tag has, and where they begin: in their entry if they fit."""
        index = self._at[tag]
        count, value = (int(self._entries[name][index]) for name in ("count", "value"))
        if tag in _MOST_VALUES and count > _MOST_VALUES[tag]:
            raise UnreadableImage(
                f"tiff with {count:,} values of its tag {tag}, at most {_MOST_VALUES[tag]:,} are read"
            )
        if count * size <= self.form.inline:
            return count, self._start + (index + 1) * self.form.entry.itemsize - self.form.inline
        if value + count * size > len(self._data):
            raise TruncatedImage(f"{len(self._data):,} of {value + count * size:,} bytes")
        return count, value


def _size_of(kind: int) -> int:
    return np.dtype(_LETTERS[kind]).itemsize if kind in _LETTERS else _OTHER_SIZES.get(kind, 0)


def _part_bytes(tags: _Directory) -> int:
    """What strips or tiles take beside the picture: each is decoded as a whole."""
    width, height = tags.first(_WIDTH, 0), tags.first(_HEIGHT, 0)
    across, down = tags.first(_TILE_WIDTH, width), tags.first(_TILE_HEIGHT, 0)
    rows = down or min(tags.first(_STRIP_ROWS, height), height)
    sample_bytes = tags.first(_SAMPLES, 1) * tags.first(_BITS, 1) / 8
    pixel_bytes = max(PILLOW_PIXEL_BYTES, sample_bytes)
    if tags.first(_COMPRESSION, 1) == _JPEG:
        pixel_bytes += _JPEG_PIXEL_BYTES
    parts = max(len(tags.values(offsets)) for offsets in (_STRIP_OFFSETS, _TILE_OFFSETS))
    return int(across * rows * pixel_bytes) + parts * _PART_BYTES


def _mode(colour: int, samples: int) -> Mode:
    with_alpha: dict[tuple[int, int], Mode] = {(0, 2): "grey+alpha", (1, 2): "grey+alpha", (2, 4): "rgba"}
    return with_alpha.get((colour, samples), _MODES[colour])
