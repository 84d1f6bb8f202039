import pytest

from cic_assets.defs.failure_messages import CHOOSE_ANOTHER, MAKE_ROOM, with_advice


@pytest.mark.parametrize(
    "message",
    [
        "OSError: [Errno 28] No space left on device: '/data/images'",
        "OSError: [Errno 27] File too large",
        "Can't write data (errno = 28, error message = 'No space left on device')",
        "sqlite3.OperationalError: database or disk is full",
    ],
)
def test_a_full_disk_says_to_make_room(message):
    assert with_advice(message) == f"{message}: {MAKE_ROOM}"


def test_a_place_that_nobody_may_write_to_says_to_choose_another():
    assert with_advice("PermissionError: [Errno 13] Permission denied: '/x'").endswith(f"'/x': {CHOOSE_ANOTHER}")


@pytest.mark.parametrize("message", ["", "r/cars is private", "[Errno 2] No such file", "errno 99999"])
def test_what_nobody_can_help_stays_as_it_is(message):
    assert with_advice(message) == message


def test_the_advice_stands_at_the_end_of_the_first_line():
    assert with_advice("[Errno 28] full\nlast words") == f"[Errno 28] full: {MAKE_ROOM}\nlast words"
