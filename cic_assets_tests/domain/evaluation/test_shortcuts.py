"""What gives a class away, and what is hard to learn from, as the report tells it."""

from dataclasses import replace

import pytest

from cic_assets.domain.evaluation import build_report


@pytest.fixture(scope="module")
def told(inputs):
    """The report of `inputs`, had all tanks been of 512 x 512 pixels and four of them nearly black."""
    manifest = inputs.manifest.copy()
    tanks = manifest["klass"] == "tank"
    manifest.loc[tanks, ["width", "height"]] = 512
    manifest["brightness"] = 0.5
    manifest.loc[manifest.index[tanks][:4], "brightness"] = 0.01
    return build_report(replace(inputs, manifest=manifest))


def test_a_cue_that_gives_a_class_away_is_named_before_any_number(told):
    notice = next(notice for notice in told.data.notices if notice.kind == "shortcut")
    assert "size" in notice.title
    assert notice.title in told.html


def test_the_table_says_which_value_tells_what(told):
    size = next(cue for cue in told.data.dataset.shortcuts if cue.cue == "size")
    assert (size.klass, size.value, size.of_rest, size.is_shortcut) == ("tank", "512 x 512", 0, True)
    assert f"512 x 512: {size.of_class} of tank, none of the rest" in told.html
    assert "What gives the class away" in told.html


def test_poor_pictures_are_counted_by_class_and_shown(told):
    assert told.data.dataset.faults["dark"] == {"car": 0, "tank": 4}
    assert "Hard to learn from" in told.html
    assert "tank: dark" in told.html


def test_an_ordinary_set_is_not_warned_of(report):
    assert not [notice for notice in report.data.notices if notice.kind == "shortcut"]


def test_the_sheet_of_mistakes_is_a_small_jpeg(report):
    assert report.data.answer.accuracy < 1 or report.mistakes is None
    if report.mistakes is not None:
        assert report.mistakes[:2] == b"\xff\xd8"
        assert len(report.mistakes) <= 100_000
