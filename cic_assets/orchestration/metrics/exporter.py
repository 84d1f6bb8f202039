"""Reads an instance, and tells what it holds as Prometheus reads it.

Nothing is pushed and nothing counted while runs are at work: whatever is told was recorded by Dagster, so that it is
there after a kill, and the same for all who ask.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from dagster import DagsterInstance
from sqlalchemy.exc import OperationalError
from upath import UPath

from cic_assets.config.environment import Environment
from cic_assets.config.problem_file import ProblemError
from cic_assets.orchestration.instance import claim_database, make_instance
from cic_assets.orchestration.metrics import contract
from cic_assets.orchestration.metrics.contract import Sample
from cic_assets.orchestration.metrics.of_assets import samples_of_assets, samples_of_checks, samples_of_sources
from cic_assets.orchestration.metrics.of_automation import samples_of_automation
from cic_assets.orchestration.metrics.of_runs import samples_of_daemons, samples_of_pools, samples_of_runs
from cic_assets.orchestration.metrics.recorded import Evaluations, Materializations, Runs
from cic_assets.orchestration.metrics.text import text_of
from cic_assets.orchestration.metrics.watched import Watched
from cic_assets.storage import FileState

LOG = logging.getLogger(__name__)

_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS = 30_000, 3600
"""Of connections with PostgreSQL, of which one is kept."""


class Exporter:
    """Metrics of the problems that one instance records; for one thread at a time."""

    def __init__(self, environments: Sequence[Environment], home: Path) -> None:
        """Look at problems, whose files are read now.

        Args:
            environments: one a problem.
            home: of the instance, which is opened when it is first read.

        Raises:
            ProblemError: a problem file is not usable.
        """
        self._subjects = [_Subject(environment) for environment in environments]
        self._home = home
        self._instance: DagsterInstance | None = None
        self._runs, self._materializations, self._evaluations = Runs(), Materializations(), Evaluations()

    def text(self) -> bytes:
        """All metrics as they are now.

        Raises:
            Exception: whatever the database says; the next call begins anew.
        """
        return text_of(self.samples())

    def samples(self) -> list[Sample]:
        """All metrics as they are now; raises as `text` does."""
        began, now = time.monotonic(), time.time()
        is_anew = self._instance is None
        try:
            found = self._found()
        except OperationalError:
            if is_anew:
                raise
            found = self._found()  # a connection that was kept may be with a server that was started again
        return [
            Sample(contract.BUILD, 1, (version("cic-assets"), version("dagster"))),
            Sample(contract.READ_SECONDS, time.monotonic() - began),
            Sample(contract.READ_AT, now),
            *found,
        ]

    def _found(self) -> list[Sample]:
        try:
            return list(self._read(self._opened()))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the instance go."""
        instance, self._instance = self._instance, None
        if instance:
            with suppress(Exception):  # of a server that is gone
                instance.dispose()

    def _opened(self) -> DagsterInstance:
        if self._instance is None:
            instance = make_instance(self._home)
            # What is asked by somebody who waits for seconds does not wait for minutes until a server is back.
            instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, max_overflow=1)
            for subject in self._subjects:
                claim_database(instance, subject.watched.root, subject.watched.problem.dagster)
            self._instance = instance
        return self._instance

    def _read(self, instance: DagsterInstance) -> Iterator[Sample]:
        subjects = [subject.now() for subject in self._subjects]
        yield from samples_of_runs(self._runs.count(instance), {job for one in subjects for job in one.jobs})
        yield from samples_of_pools(instance)
        yield from samples_of_daemons(instance)
        made = self._materializations.latest(instance, [key for one in subjects for key in one.assets])
        said = self._evaluations.latest(instance, [key for one in subjects for key in one.checks])
        for one in subjects:
            own = {part: found for part, found in made.items() if part[0] in one.assets}
            yield from samples_of_assets(one, own)
            yield from samples_of_sources(one, own)
            yield from samples_of_checks(one, {part: found for part, found in said.items() if part[0] in one.checks})
            yield from samples_of_automation(one, instance)
            if one.root.is_local:
                yield from _disk(Path(str(one.root.path)), (one.problem.name, "data_root"))
        yield from _disk(self._home, ("", "home"))


class _Subject:
    """A problem, which is looked at anew once its file was written anew."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._file = FileState(UPath(environment.problem))
        self._read = self._file.now()
        self.watched = Watched.of(environment)

    def now(self) -> Watched:
        """As the file has it; as it was, where that cannot be used."""
        if (state := self._file.now()) != self._read:
            self._read = state
            try:
                self.watched = Watched.of(self._environment)
            except ProblemError as error:
                LOG.warning("metrics stay those of the problem as it was: %s", error)
        return self.watched


def _disk(folder: Path, labels: tuple[str, str]) -> Iterator[Sample]:
    with suppress(FileNotFoundError):  # nothing was made there yet
        usage = shutil.disk_usage(folder)
        yield Sample(contract.DISK_FREE, usage.free, labels)
        yield Sample(contract.DISK_SIZE, usage.total, labels)
