"""The Dagster instance that our commands use: durable, of one data root, for one command at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import click
import yaml
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from cic_assets.storage import DataRoot

PID_TAG = "cic/pid"

ROOT_FILE = "cic_data_root"
"""In a home that does not lie under its data root: which one it is of."""

_RUNNING = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def ensure_home(root: DataRoot) -> Path:
    """Make the Dagster home of a data root, or take the one that `DAGSTER_HOME` names; returns it.

    Raises:
        click.ClickException: `DAGSTER_HOME` is no folder, or is the home of another data root.
    """
    given = os.environ.get("DAGSTER_HOME")
    if given:
        home = Path(given).expanduser().resolve()
        if not home.is_dir():
            raise click.ClickException(f"DAGSTER_HOME is {home}, which is no folder: make it, or unset the variable")
    else:
        home = _home_of(root)
        home.mkdir(parents=True, exist_ok=True)
        config = home / "dagster.yaml"
        if not config.exists():
            config.write_text(_instance_config(), encoding="utf-8")
    if home != _home_under(root):
        _claim(home, root)
    return home


def _claim(home: Path, root: DataRoot) -> None:
    """Make a home that of a data root: what it knows to be up to date lies there and nowhere else."""
    record, own = home / ROOT_FILE, str(root.path)
    if not record.exists():
        record.write_text(f"{own}\n", encoding="utf-8")
    elif (found := record.read_text(encoding="utf-8").strip()) != own:
        raise click.ClickException(
            f"the Dagster home {home} is that of the data root {found}, not of {own}: unset DAGSTER_HOME, or name a "
            f"home of its own (or remove {record} if that data root was moved)"
        )


def write_workspace(home: Path) -> Path:
    """Write what the UI loads into a home; returns the file's path.

    The name of the location is the same as in the checkout's `workspace.yaml`: users' schedules hang on it.
    """
    path = home / "workspace.yaml"
    location = {"module_name": "cic_assets.definitions", "attribute": "defs", "location_name": "cic_assets"}
    path.write_text(yaml.safe_dump({"load_from": [{"python_module": location}]}), encoding="utf-8")
    return path


def _home_under(root: DataRoot) -> Path | None:
    return Path(str(root.dagster_home)) if root.is_local else None


def _home_of(root: DataRoot) -> Path:
    if under := _home_under(root):
        return under
    # Dagster's SQLite needs a disk.
    name = "".join(letter if letter.isalnum() else "-" for letter in root.url)
    return Path.home() / ".local" / "state" / "cic" / name


def _instance_config() -> str:
    in_checkout = Path(__file__).resolve().parents[1] / "deploy" / "dagster.yaml"
    if in_checkout.is_file():
        return in_checkout.read_text(encoding="utf-8")
    return (resources.files("cic_assets") / "deploy" / "dagster.yaml").read_text(encoding="utf-8")


@contextmanager
def lock_home(root: DataRoot) -> Iterator[Path]:
    """The Dagster home of a data root, locked against other commands that would write the same tables.

    `cic dev` takes no lock, so that the UI stays open while a command works: a run that is started there meanwhile may
    do the same work, and of two equal files the last counts, each of them whole.

    Raises:
        click.ClickException: another command is at work on this data root.
    """
    home = ensure_home(root)
    with _lock_file(root, home).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"another cic command is at work on {root.url}: wait for it, or stop it"
            ) from None
        yield home


@contextmanager
def open_instance(root: DataRoot) -> Iterator[DagsterInstance]:
    """The instance, locked as `lock_home` does.

    Runs that a killed command left behind as running are marked failed.

    Raises:
        click.ClickException: another command is at work on this data root.
    """
    with lock_home(root) as home:
        os.environ["DAGSTER_HOME"] = str(home)
        with DagsterInstance.from_config(str(home)) as instance:
            _close_abandoned_runs(instance)
            yield instance


def _lock_file(root: DataRoot, home: Path) -> Path:
    """Under the data root, whatever its home: its tables are what is to be kept from two commands at once.

    A remote root has no locks; there its home, of which it has one on each machine, must do.
    """
    folder = Path(str(root.path)) if root.is_local else home
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "cic.lock"


def _close_abandoned_runs(instance: DagsterInstance) -> None:
    # We hold the lock: whoever started these is gone.
    for run in instance.get_runs(RunsFilter(statuses=_RUNNING)):
        if PID_TAG in run.tags:
            instance.report_run_failed(run, "The command that ran this was killed.")
