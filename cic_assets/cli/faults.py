"""What a machine refuses - a place that cannot be written, a full disk - as one line that says what to do."""

import errno
import sqlite3
import warnings
from collections.abc import Iterator
from typing import Any

import click

from cic_assets.defs.failure_messages import ADVICE, CHOOSE_ANOTHER, MAKE_ROOM
from cic_assets.domain.renaming import RenamedSettingWarning
from cic_assets.orchestration.errors import InstanceError

_ADVICE = {
    **ADVICE,
    errno.EEXIST: "expected a folder, or a name that is free",
    errno.ENOTEMPTY: "choose another folder, or empty it",
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
            click.ClickException: a file system, a bucket or Dagster's database refused something, or there is no
                instance to work with.
        """
        try:
            with warnings.catch_warnings():
                _say_new_names()
                return super().invoke(ctx)
        except InstanceError as error:
            raise click.ClickException(str(error)) from None
        except Exception as error:
            line = in_one_line(error)
            if line is None:
                raise
            raise click.ClickException(line) from None


def _say_new_names() -> None:
    """Settings that are called something else now, a line each; of several readings of a file, one."""
    warnings.filterwarnings("once", category=RenamedSettingWarning)
    show = warnings.showwarning

    def say(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if category is RenamedSettingWarning:
            click.echo(f"Warning: {message}", err=True)
        else:
            show(message, category, *where, **more)

    warnings.showwarning = say


def in_one_line(error: BaseException) -> str | None:
    """What the machine refused, and what to do; None where it is no such error. The first cause counts."""
    from cic_assets.storage import refusal_of_bucket  # with numpy, which `cic --help` does without

    for cause in reversed(list(_causes(error))):
        if isinstance(cause, sqlite3.OperationalError):
            return f"Dagster's database under the data root: {cause}: {_database_advice(str(cause))}"
        if type(cause).__module__ == "psycopg2" and type(cause).__name__ == "OperationalError":  # which few have
            from cic_assets.orchestration.postgres_storage import refusal

            return refusal(cause)
        if said := refusal_of_bucket(cause):
            return said
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
        return MAKE_ROOM
    if "disk I/O" in message:  # what SQLite says of its write-ahead log where there is no room for it
        return f"the disk is full, or broken: {MAKE_ROOM}"
    return CHOOSE_ANOTHER if "readonly" in message or "unable to open" in message else "run the same command again"
