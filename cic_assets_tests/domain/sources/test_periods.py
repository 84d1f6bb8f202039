import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.sources.periods import bounds, is_period

DAY = 86400.0


@given(st.dates())
def test_periods_begin_and_end_where_the_calendar_says(date):
    begin, end = bounds(date.isoformat()) if is_period(date.isoformat()) else (0.0, DAY)
    assert end - begin == DAY
    if date.year < 9999:
        month = bounds(f"{date.year:04}-{date.month:02}")
        assert month[1] - month[0] == calendar.monthrange(date.year, date.month)[1] * DAY
        year = bounds(f"{date.year:04}")
        assert year[1] - year[0] == (366 if calendar.isleap(date.year) else 365) * DAY


@pytest.mark.parametrize("text", ["2023", "2024-02", "2024-02-29", "1970-01-01"])
def test_what_is_in_the_calendar(text):
    assert is_period(text)


@pytest.mark.parametrize("text", ["2023-02-29", "2023-13", "0000", "9999", "9999-12-31"])
def test_what_is_not_or_has_no_end(text):
    assert not is_period(text)
