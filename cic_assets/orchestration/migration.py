"""`cic migrate`: a data root and the tables of its Dagster instance, brought to what this version writes."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from alembic.util import CommandError
from dagster import DagsterInstance

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.orchestration.errors import InstanceError
from cic_assets.orchestration.instance import (
    claim_database,
    ensure_home,
    is_in_sqlite,
    lock_against_machines,
    lock_root,
    postgres,
    reach,
)
from cic_assets.storage import DataRoot, Step, migrate_root

_DRAWN_SAMPLE = frozenset({"media", "subreddits", "routes.jsonl"})
"""All that an earlier demo drew into the folder `sample` of its data root."""


def _remove_drawn_sample(root: DataRoot) -> None:
    """The pictures of an earlier demo, which come with the package by now: nobody reads them any more."""
    folder = Path(str(root.path / "sample"))
    if root.is_local and folder.is_dir() and {item.name for item in folder.iterdir()} <= _DRAWN_SAMPLE:
        shutil.rmtree(folder)


STEPS: tuple[Step, ...] = (_remove_drawn_sample,)
"""The first from format 0 to 1, and so on; as many as `storage.FORMAT` says."""


def migrate(root: DataRoot, settings: DagsterSettings, on_line: Callable[[str], None]) -> None:
    """Bring a data root and its Dagster instance to what this version writes; what is done is left alone.

    Args:
        root: of this version or an earlier one.
        settings: of its problem.
        on_line: called with what is done, and where it is waited for others.

    Raises:
        InstanceError: a command is at work on it, or there is no instance to work with.
        DataRootError: it is of a newer version.
    """
    # In the order in which a run takes them: it has the first when it waits for the second, to write.
    with lock_against_machines(root, on_line), root.lock.held(on_line), lock_root(root):
        if not migrate_root(root, STEPS, on_line):
            on_line("Data root: up to date")
        home = ensure_home(root, settings)
        reach()
        with DagsterInstance.from_config(str(home)) as instance:
            claim_database(instance, root, settings)
            _migrate_instance(instance, on_line)


def _migrate_instance(instance: DagsterInstance, on_line: Callable[[str], None]) -> None:
    before, newest = instance.run_storage.alembic_version() or (None, None)
    alone = nullcontext() if is_in_sqlite(instance) else postgres().migrating(instance.run_storage)
    try:
        with alone:
            instance.upgrade()
    except CommandError as error:
        raise InstanceError(
            f"Dagster's tables ({before}) are of a newer version than the one that is installed: install that ({error})"
        ) from None
    on_line(f"Dagster's tables: {'up to date' if before == newest else f'from {before} to {newest}'}")
