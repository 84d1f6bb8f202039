"""Why a step failed, in a line: what went wrong first, without the errors that Dagster wraps it in."""

from typing import Any


def reason_of(failure: Any) -> str:
    """The description of a `Failure`, else the message of the innermost error.

    Args:
        failure: Dagster's `StepFailureData`.
    """
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    return innermost(failure.error)


def innermost(error: Any) -> str:
    """The message of what went wrong first.

    Args:
        error: Dagster's `SerializableErrorInfo`, or None.
    """
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else ""
