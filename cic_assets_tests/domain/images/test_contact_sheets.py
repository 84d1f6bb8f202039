"""Sheets: small enough, in order, and nothing that a caption holds can break them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.images import Tile, contact_sheet, decode, pair_sheet

RED, BLUE = (200, 20, 30), (20, 40, 210)


def _plain(colour: tuple[int, int, int], width: int = 40, height: int = 30) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def _is(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 12)


def test_tiles_stand_in_reading_order():
    tiles = [Tile(_plain(colour, 100, 100)) for colour in (RED, BLUE, BLUE, RED, BLUE)]
    sheet = decode(contact_sheet(tiles, columns=3, tile_side=100))
    assert sheet.shape == (8 + 2 * 108, 8 + 3 * 108, 3)
    centres = [sheet[58 + row * 108, 58 + column * 108] for row in range(2) for column in range(3)]
    assert [_is(pixel, RED) for pixel in centres] == [True, False, False, True, False, False]
    assert [_is(pixel, BLUE) for pixel in centres] == [False, True, True, False, True, False]


def test_pictures_keep_their_shape():
    sheet = decode(contact_sheet([Tile(_plain(RED, 400, 100))], tile_side=160))
    red = np.abs(sheet.astype(int) - RED).max(axis=2) < 40
    assert abs(red.any(axis=0).sum() / red.any(axis=1).sum() - 4) < 0.2


def test_fewer_tiles_than_columns_leave_no_empty_columns():
    assert decode(contact_sheet([Tile(_plain(RED))] * 2, columns=6, tile_side=50)).shape[1] == 8 + 2 * 58


@pytest.mark.parametrize("max_bytes", [3_000, 20_000, 100_000])
def test_a_sheet_of_noise_still_fits(max_bytes):
    rng = np.random.default_rng(0)
    tiles = [Tile(rng.integers(0, 256, (200, 300, 3), np.uint8), f"noise {i}") for i in range(30)]
    jpeg = contact_sheet(tiles, max_bytes=max_bytes)
    assert len(jpeg) <= max_bytes
    assert len(jpeg) > max_bytes * 0.5
    assert decode(jpeg).shape[1] > 100


def test_captions_are_written_below_their_picture():
    blank, written = (decode(contact_sheet([Tile(_plain(RED), text)], tile_side=120)) for text in (" ", "Leopard 2A7"))
    assert np.array_equal(blank[:120], written[:120])
    assert written[130:].min() < 100 < blank[130:].min()


def test_a_caption_of_two_lines_breaks_at_a_word_and_ends_in_an_ellipsis():
    long = decode(contact_sheet([Tile(_plain(RED), "one two three four five six seven eight " * 5)], tile_side=120))
    ink = (long[130:].min(axis=2) < 128).any(axis=1)
    assert np.count_nonzero(np.diff(ink.astype(int)) == 1) == 2
    assert not (long[130:, :8].min(axis=2) < 128).any()
    assert not (long[130:, 129:].min(axis=2) < 128).any()


@given(st.text(max_size=300))
def test_any_caption_stays_within_its_strip(text):
    sheet = decode(contact_sheet([Tile(_plain(RED), text + "x"), Tile(_plain(BLUE), "")], tile_side=64))
    plain = decode(contact_sheet([Tile(_plain(RED), "x"), Tile(_plain(BLUE), "")], tile_side=64))
    assert sheet.shape == plain.shape
    assert _is(sheet[40, 40], RED)
    assert not (sheet[74:, 84:].min(axis=2) < 128).any()


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a\x00b\x1b[31mred\x07",
        "\u202etxet desrever\u202c",
        "Z\u0335\u0321\u034e" * 50,
        "танк 戦車 🚗 \U0010ffff",
        "line\nbreak\r\n\ttab",
        "W" * 100_000,
        "\ud800 half a pair",
    ],
)
def test_hostile_captions_are_drawn(text):
    assert decode(contact_sheet([Tile(_plain(RED), text)])).shape[0] > 160


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("a\x00b\x1b\x07", "ab"),
        ("\u202eab\u2066", "ab"),
        ("Z\u0335\u0321\u034e", "Z"),
        ("a\n\tb", "a  b"),
        ("e\u0301", "\xe9"),
    ],
)
def test_what_could_break_out_of_a_caption_is_left_out(hostile, harmless):
    one, other = (contact_sheet([Tile(_plain(RED), text)]) for text in (hostile, harmless))
    assert one == other


def test_pairs_stand_side_by_side():
    pairs = [(Tile(_plain(RED), "before"), Tile(_plain(BLUE), "after"))] * 3
    sheet = decode(pair_sheet(pairs, tile_side=60, pairs_per_row=2))
    assert sheet.shape[1] == 8 + 4 * 68
    assert _is(sheet[38, 38], RED)
    assert _is(sheet[38, 106], BLUE)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_odd_shapes_have_a_place(shape):
    assert decode(contact_sheet([Tile(_plain(RED, *shape))])).size


@pytest.mark.parametrize("wrong", [{"columns": 0}, {"tile_side": 0}, {"max_bytes": 100}])
def test_impossible_sheets_are_refused(wrong):
    with pytest.raises(ValueError, match="are needed"):
        contact_sheet([Tile(_plain(RED))], **wrong)


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
    with pytest.raises(ValueError, match="at least one picture"):
        pair_sheet([])
