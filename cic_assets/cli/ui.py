"""`cic dev`: one problem, or several, in Dagster's UI."""

import fcntl
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cic_assets.cli.options import (
    archive_folder,
    archive_option,
    claim,
    data_root_of,
    data_root_option,
    environment_of,
    preset_option,
    problem_of,
)
from cic_assets.config.environment import Environment
from cic_assets.web.ports import why_taken

if TYPE_CHECKING:
    from cic_assets.config.problem import Problem

HERE = "127.0.0.1"
port_option = click.option("--port", default=3000, show_default=True, help="of the UI")


@click.command()
@click.option(
    "--problem",
    "problems",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="the question; given again: several in one UI  [env var: CIC_PROBLEM]",
)
@archive_option
@data_root_option
@preset_option
@port_option
@click.option(
    "--host", default=HERE, show_default=True,
    help="address to listen at; whoever reaches it can run programs, as the UI knows no passwords",
)  # fmt: skip
def dev(
    problems: tuple[Path, ...], archive: str | None, data_root: str | None, preset: str | None, port: int, host: str
) -> None:
    """The Dagster UI and daemon on this machine, until interrupted."""
    if len(problems) > 1 and data_root:
        raise click.UsageError("--data-root (CIC_DATA_ROOT) is of one problem: of several, each has its own")
    first, *others = problems or (None,)
    environment = environment_of(problem=first, archive=archive_folder(archive), data_root=data_root, preset=preset)
    show([environment, *map(environment.of_problem, filter(None, others))], port, host)


def show(environments: Sequence[Environment], port: int, host: str = HERE) -> NoReturn:
    """Become the Dagster UI and daemon: a code location for each problem.

    Raises:
        click.ClickException: a problem is not usable, two of them cannot be shown in one UI, the port is taken, or a UI
            of the same runs is at work.
    """
    from cic_assets.orchestration.instance import claim_database, make_instance
    from cic_assets.orchestration.run_recovery import close_abandoned_runs
    from cic_assets.orchestration.workspace import write_workspace

    shown = [(environment, problem_of(environment)) for environment in environments]
    _refuse_equal_prefixes(shown)
    home = _home_of_all(shown)
    if why := why_taken(host, port):  # Dagster would go on without its webserver
        raise click.ClickException(why)
    _claim_ui(home)
    with make_instance(home) as instance:
        for environment, problem in shown:
            claim_database(instance, data_root_of(environment), problem.dagster)
        close_abandoned_runs(instance)
    alone = len(shown) == 1
    files = {problem.dagster.location: None if alone else environment.problem for environment, problem in shown}
    variables = os.environ | environments[0].variables() | {"DAGSTER_HOME": str(home)}
    # `dagster dev` warns that `dg dev` takes its place; that one works inside a checkout only.
    command = [sys.executable, "-W", "ignore:Function", "-m", "dagster", "dev", "-p", str(port), "-h", host]
    command += ["-w", str(write_workspace(home, files))]
    command += ["--log-format", "json"] if environments[0].logs == "json" else []
    # Dagster takes SIGTERM for SIGINT. Where that is ignored, as in the background of a script, nothing would end it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.execve(sys.executable, command, variables)  # noqa: S606 - no shell; the UI takes this process's place


def _claim_ui(home: Path) -> None:
    """Two daemons on one home would start all twice. The lock lasts as long as the process, whatever it becomes."""
    lock = os.open(home / "ui.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise click.ClickException(f"a UI and daemon of {home} are at work already: use that one, or end it") from None
    os.set_inheritable(lock, True)


_Shown = Sequence[tuple[Environment, "Problem"]]


def _refuse_equal_prefixes(shown: _Shown) -> None:
    prefix, times = Counter(problem.dagster.asset_prefix for _, problem in shown).most_common(1)[0]
    if times > 1:
        files = [str(environment.problem) for environment, problem in shown if problem.dagster.asset_prefix == prefix]
        raise click.ClickException(
            f"{' and '.join(files)} have the same dagster.asset_prefix, {prefix!r}: in one UI each needs its own"
        )


def _home_of_all(shown: _Shown) -> Path:
    from cic_assets.orchestration.instance import ensure_home

    homes: dict[Path, Path] = {}
    for environment, problem in shown:
        root = data_root_of(environment)
        claim(root, problem, environment)
        homes[ensure_home(root, problem.dagster)] = environment.problem
    if len(homes) > 1:
        places = ", ".join(f"{file} in {home}" for home, file in homes.items())
        raise click.ClickException(
            f"these problems record their runs in different folders ({places}): give all the same dagster.home, or set "
            "DAGSTER_HOME, for `cic run` too"
        )
    return next(iter(homes))
