import pytest

from cic_assets.cli.picture_progress import words_of


@pytest.mark.parametrize(
    ("done", "found", "seconds", "is_counted", "words"),
    [
        (1234, 1_000_000, 100, True, "1,234 of 1,000,000, 12.3 a second, 22:28:57 left"),
        (1234, 45_678, 100, False, "1,234 of 45,678 so far, 12.3 a second"),
        (1234, 12, 100, False, "1,234 of 1,234 so far, 12.3 a second"),
        (1234, 0, 100, False, "1,234 so far, 12.3 a second"),
        (12, 11, 3, True, "12 of 12, 4.0 a second, 0:00:00 left"),  # one came meanwhile
        (1, 200_001, 2, True, "1 of 200,001, 0.5 a second, 4 days, 15:06:40 left"),
    ],
)
def test_what_it_says(done, found, seconds, is_counted, words):
    assert words_of(done, found, seconds, is_counted=is_counted) == words
