"""The Dagster instance that our commands use: durable, of one data root unless a problem shares it with others."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from types import ModuleType

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.runs import SqliteRunStorage
from upath import UPath

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.config.environment import Environment
from cic_assets.orchestration.errors import InstanceError
from cic_assets.orchestration.run_recovery import close_abandoned_runs
from cic_assets.storage import DataRoot, LeaseLostError, sha256_hex, write_atomically

PID_TAG, MACHINE_TAG = "cic/pid", "cic/machine"
"""Tags of what a command runs itself."""

ROOT_FILE = "cic_data_root"
"""In a home that does not lie under its data root: which one it is of. Of problems that share a home each has its own
such file, which ends in `.PREFIX`."""

ALONE = DagsterSettings()
"""Of a problem that shares nothing."""

_EARLIER_CONFIGS = frozenset({
    "a775ab6b2c11fcfd", "26954e5ae581cdd5", "ed0ac5d8b9045e59", "1bc52927a1942ae9", "7ad5ecd46ee8b748",
})  # fmt: skip
"""What deploy/dagster.yaml was in earlier versions: the beginnings of its SHA-256."""

_RUNNING = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def ensure_home(root: DataRoot, settings: DagsterSettings = ALONE) -> Path:
    """Make the Dagster home of a problem, or take the one that `DAGSTER_HOME` names; returns it.

    Args:
        root: its data root, under which the home is unless the problem names another.
        settings: of the problem.

    Raises:
        InstanceError: `DAGSTER_HOME` is no folder, or is the home of another data root.
    """
    given = os.environ.get("DAGSTER_HOME")
    if given:
        home = Path(given).expanduser().resolve()
        if not home.is_dir():
            raise InstanceError(f"DAGSTER_HOME is {home}, which is no folder: make it, or unset the variable")
    else:
        home = settings.home or _home_of(root)
        home.mkdir(parents=True, exist_ok=True)
        _write_config(home / "dagster.yaml")
    if home != _home_under(root):
        _claim(home, root, settings.asset_prefix)
    return home


def _write_config(file: Path) -> None:
    """Where there is none, or one that we wrote in an earlier version and nobody has changed since."""
    if not file.exists() or sha256_hex(file.read_bytes())[:16] in _EARLIER_CONFIGS:
        write_atomically(UPath(file), _instance_config().encode())


def _claim(home: Path, root: DataRoot, prefix: str) -> None:
    """Make a home that of a data root: what it knows to be up to date lies there and nowhere else."""
    record, own = home / (f"{ROOT_FILE}.{prefix}" if prefix else ROOT_FILE), str(root.path)
    if not record.exists():
        record.write_text(f"{own}\n", encoding="utf-8")
    elif (found := record.read_text(encoding="utf-8").strip()) != own:
        raise InstanceError(
            f"the Dagster home {home} is that of the data root {found}, not of {own}: {_way_out(prefix)} "
            f"(or remove {record} if that data root was moved)"
        )


def _way_out(prefix: str) -> str:
    if os.environ.get("DAGSTER_HOME"):
        return "unset DAGSTER_HOME, or name a home of its own"
    return (
        f"give one of two problems another dagster.asset_prefix than {prefix!r}, or set DAGSTER_HOME to another folder"
    )


def _home_under(root: DataRoot) -> Path | None:
    return Path(str(root.dagster_home)) if root.is_local else None


def _home_of(root: DataRoot) -> Path:
    return _home_under(root) or root.local_state


def _instance_config() -> str:
    in_checkout = Path(__file__).resolve().parents[2] / "deploy" / "dagster.yaml"
    if in_checkout.is_file():
        return in_checkout.read_text(encoding="utf-8")
    return (resources.files("cic_assets.orchestration") / "dagster.yaml").read_text(encoding="utf-8")


def _say_nothing(_line: str) -> None:
    """Of who waits."""


@contextmanager
def lock_root(root: DataRoot, on_wait: Callable[[str], None] = _say_nothing) -> Iterator[None]:
    """A data root, locked against other commands that would do the same work.

    One of this machine is refused; in a bucket, those of other machines are waited for (`lock_against_machines`).

    `cic dev` takes no lock, so that the UI stays open while a command works: a run that is started there meanwhile may
    do the same work. That each table is of one writer is the business of `DataRoot.lock`.

    Args:
        root: of this machine, or in a bucket.
        on_wait: called with a line where it is waited for another machine.

    Raises:
        InstanceError: another command is at work on this data root, or another machine took it over.
    """
    with _lock_file(root).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstanceError(f"another cic command is at work on {root.url}: wait for it, or stop it") from None
        with lock_against_machines(root, on_wait):
            yield


@contextmanager
def lock_against_machines(root: DataRoot, on_wait: Callable[[str], None] = _say_nothing) -> Iterator[None]:
    """A data root in a bucket, locked against commands of other machines; whoever has it is waited for.

    Who died with it is waited for, too, until its lease ends. Of a folder nothing is done: there the file that
    `lock_root` locks is the same for all.

    Raises:
        InstanceError: at the end, where another machine took it over meanwhile.
    """
    if root.is_local:
        yield
        return
    try:
        with root.lock_of(root.path / "commands", "commands").held(on_wait):
            yield
    except LeaseLostError as error:
        raise InstanceError(str(error)) from error


@contextmanager
def open_instance(
    root: DataRoot, settings: DagsterSettings = ALONE, on_wait: Callable[[str], None] = _say_nothing
) -> Iterator[DagsterInstance]:
    """The instance of a problem, its data root locked as `lock_root` does.

    Runs that were killed and left behind as running are marked failed, and lose their places in pools.

    Args:
        root: of the problem.
        settings: of the problem.
        on_wait: as of `lock_root`.

    Raises:
        InstanceError: another command is at work on this data root, or there is no instance to work with.
    """
    with lock_root(root, on_wait):
        home = ensure_home(root, settings)
        os.environ["DAGSTER_HOME"] = str(home)
        with make_instance(home) as instance:
            claim_database(instance, root, settings)
            _close_abandoned_runs(instance, settings)
            yield instance


def make_instance(home: Path) -> DagsterInstance:
    """The instance of a home, in SQLite or where the environment says.

    Raises:
        InstanceError: its database is not there, does not let us in, or has tables of another version of Dagster.
    """
    url = reach()
    instance = DagsterInstance.from_config(str(home))
    if url and is_in_sqlite(instance):
        raise InstanceError(
            f"CIC_POSTGRES_URL is set, and {home / 'dagster.yaml'} says otherwise: expected there the instance_class "
            "of deploy/dagster.yaml, and no storage"
        )
    if url:
        postgres().check_schema(instance.run_storage)
    return instance


def reach() -> str:
    """Look whether the database that the environment names is there and lets us in; returns its URL, empty for none.

    Raises:
        InstanceError: it is not, or does not.
    """
    url = Environment.from_variables().postgres_url
    if url:
        postgres().check_server(url)
    return url


def claim_database(instance: DagsterInstance, root: DataRoot, settings: DagsterSettings = ALONE) -> None:
    """Make a database that of a data root, as a home is: several homes may be in one database.

    Raises:
        InstanceError: it is that of another.
    """
    if is_in_sqlite(instance):
        return
    own, prefix = str(root.path), settings.asset_prefix
    found = postgres().claim_database(instance.run_storage, own, prefix)
    if found != own:
        raise InstanceError(
            f"the database of CIC_POSTGRES_URL or dagster.yaml records what was done in the data root {found}, not in "
            f"{own}: create another database for this one, or give it another dagster.asset_prefix than {prefix!r} (or "
            f"remove the row cic/data_root/{prefix} of its table kvs if that data root was moved)"
        )


def is_in_sqlite(instance: DagsterInstance) -> bool:
    """Whether an instance keeps its runs in files of its home."""
    return isinstance(instance.run_storage, SqliteRunStorage)


def postgres() -> ModuleType:
    """`postgres_storage`, of which nothing is imported before somebody wants it.

    Raises:
        InstanceError: it is not installed.
    """
    try:
        from cic_assets.orchestration import postgres_storage
    except ImportError:
        raise InstanceError(
            "CIC_POSTGRES_URL is set, which needs the extra postgres: pip install 'cic-assets[postgres]'"
        ) from None
    return postgres_storage


def _lock_file(root: DataRoot) -> Path:
    """Under the data root, whatever its home: its tables are what is to be kept from two commands at once.

    In a bucket there are no files to lock: there a folder of this machine keeps out those of this machine.
    """
    folder = Path(str(root.path)) if root.is_local else _home_of(root)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "cic.lock"


def _close_abandoned_runs(instance: DagsterInstance, settings: DagsterSettings) -> None:
    # We hold the lock, of a bucket also against other machines: whoever started these is gone, or has lost it. Those of
    # other problems in the same home may be at work.
    for run in instance.get_runs(RunsFilter(statuses=_RUNNING)):
        ours = all(key.path == settings.key(key.path[-1]) for key in run.asset_selection or ())
        if PID_TAG in run.tags and ours:
            instance.report_run_failed(run, "The command that ran this was killed.")
    close_abandoned_runs(instance)
