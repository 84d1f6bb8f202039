"""Days, months and years as people write them, and the seconds since 1970 between which they are."""

from datetime import UTC, datetime, timedelta


def is_period(text: str) -> bool:
    """Whether `2023`, `2023-05` or `2023-05-17` is in the calendar."""
    try:
        bounds(text)
    except (OverflowError, ValueError):
        return False
    return True


def bounds(text: str) -> tuple[float, float]:
    """When a day, month or year begins, and when it is over, in UTC.

    Raises:
        ValueError, OverflowError: there is none of that name.
    """
    year, month, day = (*map(int, text.split("-")), 0, 0)[:3]
    begin = datetime(year, month or 1, day or 1, tzinfo=UTC)
    longest = begin + timedelta(days=1 if day else 31 if month else 366)
    # 366 days are a year or a year and a day, 31 a month or some days more.
    end = longest if day else longest.replace(day=1) if month else longest.replace(month=1, day=1)
    return begin.timestamp(), end.timestamp()
