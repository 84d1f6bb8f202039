"""What Retry-After asks for, in every form that hosts write it in, and how long to wait without it."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.retrying import backoff, retry_after

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1", 1.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("9" * 400, 999_999_999.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun Nov 22 12:00:30 2026", 30.0),
        ("Sun, 22 Nov 2026 14:00:30 +0200", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_what_it_asks_for(value, seconds):
    assert retry_after(value, NOON) == seconds


NONSENSE = [
    None,
    "",
    "soon",
    "-5",
    "nan",
    "inf",
    "-inf",
    "²",
    "1e3",
    "Wed, 99 Foo 2015",
    "Sun, 99 Nov 2026 12:00:30 GMT",
    "Sun, 22 Nov 99999999999 12:00:30 GMT",
    "Sun, 22 Nov 2026 12:00:30 +9999999999999",
]


@pytest.mark.parametrize("value", NONSENSE)
def test_what_makes_no_sense(value):
    assert retry_after(value, NOON) is None


@pytest.fixture
def far_from_greenwich(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_a_date_is_in_utc_wherever_this_machine_is():
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    assert retry_after(format_datetime(ahead, usegmt=True)) == pytest.approx(30, abs=1.5)
    assert retry_after(format_datetime(ahead).replace("+0000", "-0000")) == pytest.approx(30, abs=1.5)
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(st.text())
def test_it_takes_anything(value):
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds < float("inf")


def test_backoff_doubles_and_spreads():
    for failures, mean in [(1, 0.5), (2, 1.0), (3, 2.0)]:
        waits = [backoff(failures, 0.5) for _ in range(200)]
        assert mean / 2 <= min(waits) < mean * 0.75
        assert mean * 1.25 < max(waits) <= mean * 1.5


@given(st.integers(1, 10_000))
def test_backoff_grows_and_is_bounded(failures):
    mean = min(2.0 ** min(failures - 1, 10), 20)
    assert mean / 2 <= backoff(failures) <= mean * 1.5
