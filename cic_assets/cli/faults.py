"""What a machine refuses - a place that cannot be written, a full disk - as one line that says what to do."""

import errno
import sqlite3
from collections.abc import Iterator
from typing import Any

import click

_FULL = "make room there, then run the same command again: what is done is kept"
_NOT_ALLOWED = "choose another place, or change who may use this one"

_ADVICE = {
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: _NOT_ALLOWED,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EEXIST: "expected a folder, or a name that is free",
    errno.ENOTDIR: "expected a folder",
    errno.ENOENT: "expected a place that exists, or can be made",
    errno.ENAMETOOLONG: "expected a shorter name",
}
"""What a person can do about an error of a file system. Any other is a fault of ours, and keeps its traceback."""


class Commands(click.Group):
    """Commands that say what a machine refuses in one line, whichever of them it is."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for.

        Raises:
            click.ClickException: a file system or Dagster's database refused something.
        """
        try:
            return super().invoke(ctx)
        except Exception as error:
            line = in_one_line(error)
            if line is None:
                raise
            raise click.ClickException(line) from None


def in_one_line(error: BaseException) -> str | None:
    """What the machine refused, and what to do; None where it is no such error. The first cause counts."""
    for cause in reversed(list(_causes(error))):
        if isinstance(cause, sqlite3.OperationalError):
            return f"Dagster's database under the data root: {cause}: {_database_advice(str(cause))}"
        if isinstance(cause, OSError) and cause.errno in _ADVICE:
            where = cause.filename2 or cause.filename
            named = f"{where}: " if where else ""
            return f"{named}{cause.strerror}: {_ADVICE[cause.errno]}"
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _database_advice(message: str) -> str:
    if "full" in message:
        return _FULL
    return _NOT_ALLOWED if "readonly" in message or "unable to open" in message else "run the same command again"
