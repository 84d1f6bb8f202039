from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from cic_assets.domain.download import Download
from cic_assets.domain.media import Outcome
from cic_assets.domain.sources import complete_row
from cic_assets.domain.sources.asking import MOST_ASKS, Asked, asked_now, is_due

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def days_asked(outcome, reason="", *, transient=False):
    """The days on which a URL is asked for that always ends so, by a scrape a day; the first is day 0."""
    asked, days, rows = Asked(), [], None
    for day in range(400):
        now = NOON + timedelta(days=day, seconds=day % 7)
        if rows is None or is_due(rows, now).all():
            days.append(day)
            became = Download(url="x", outcome=outcome, reason=reason, transient=transient)
            asked = asked_now(became, asked, now.isoformat(timespec="seconds"))
            row = {"outcome": outcome, "reason": reason, "transient": transient}
            rows = pd.DataFrame([complete_row({**row, "asks": asked.times, "asked_at": asked.at})])
    return days


@pytest.mark.parametrize(
    ("outcome", "reason", "transient"),
    [
        (Outcome.ERROR, "no address for dead.example", True),
        (Outcome.TIMEOUT, "no answer within 6 s", False),
        (Outcome.HTTP_ERROR, "HTTP 503", True),
    ],
)
def test_what_fails_in_passing_is_asked_for_by_the_next_scrape_and_then_ever_later(outcome, reason, transient):
    days = days_asked(outcome, reason, transient=transient)
    assert days == [0, 1, 2, 4, 8, 16, 32, 64]
    assert len(days) == MOST_ASKS


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.HTTP_ERROR, "HTTP 401"),
        (Outcome.HTTP_ERROR, "HTTP 403; fallback: HTTP 404"),
        (Outcome.HTTP_ERROR, "HTTP 451"),
        (Outcome.NOT_AN_IMAGE, "an HTML page"),
    ],
)
def test_what_is_refused_is_asked_for_after_a_day_and_then_ever_later(outcome, reason):
    assert days_asked(outcome, reason) == [0, 1, 3, 7, 15, 31, 63, 127]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.HTTP_ERROR, "HTTP 404"),
        (Outcome.HTTP_ERROR, "HTTP 410"),
        (Outcome.NOT_AN_IMAGE, "no image format that is known"),
        (Outcome.TOO_SMALL, "90 x 90 pixels, a side under 100"),
        (Outcome.PLACEHOLDER, "redirects to http://i.imgur.com/removed.png"),
        (Outcome.OK, ""),
    ],
)
def test_what_is_settled_is_asked_for_once(outcome, reason):
    assert days_asked(outcome, reason) == [0]
