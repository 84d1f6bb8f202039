"""Why a step failed, in a line: what went wrong first, without the errors that Dagster wraps it in, and what to do."""

import errno
import re
from typing import Any

MAKE_ROOM = "make room there, then run the same command again: what is done is kept"
CHOOSE_ANOTHER = "choose another place, or change who may use this one"

ADVICE = {
    errno.EACCES: CHOOSE_ANOTHER,
    errno.EPERM: CHOOSE_ANOTHER,
    errno.EROFS: CHOOSE_ANOTHER,
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: MAKE_ROOM,
    errno.EFBIG: MAKE_ROOM,
}
"""What a person can do about what a machine refuses, whoever asked it."""

_NUMBER = re.compile(r"\[?errno =? ?(\d+)", re.IGNORECASE)
"""As Python writes it, and HDF5."""


def reason_of(failure: Any) -> str:
    """The description of a `Failure`, else the message of the innermost error.

    Args:
        failure: Dagster's `StepFailureData`.
    """
    if failure.user_failure_data and failure.user_failure_data.description:
        return with_advice(str(failure.user_failure_data.description))
    return innermost(failure.error)


def innermost(error: Any) -> str:
    """The message of what went wrong first, and what to do where the machine refused something.

    Args:
        error: Dagster's `SerializableErrorInfo`, or None.
    """
    while error is not None and error.cause is not None:
        error = error.cause
    return with_advice(error.message.strip()) if error else ""


def with_advice(message: str) -> str:
    """A message with what to do at the end of its first line, where the system's or the database's error is in it."""
    first, *rest = message.splitlines() or [""]
    number = _NUMBER.search(first)
    advice = ADVICE.get(int(number[1])) if number else MAKE_ROOM if "disk is full" in first else None
    return "\n".join([f"{first}: {advice}" if advice else first, *rest])
