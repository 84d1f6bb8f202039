"""`cic dev`: one problem, or several, in Dagster's UI."""

import fcntl
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from cic_assets.cli.homes import environments_of, home_of_all, problems_option, shown_together
from cic_assets.cli.metrics import begin_beside, require_metrics_port
from cic_assets.cli.options import archive_folder, archive_option, data_root_of, data_root_option, preset_option
from cic_assets.config.environment import Environment
from cic_assets.web.ports import url_of, why_taken

HERE = "127.0.0.1"
port_option = click.option("--port", default=3000, show_default=True, help="of the UI")


@click.command()
@problems_option
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
    show(environments_of(problems, data_root, archive=archive_folder(archive), preset=preset), port, host)


def show(environments: Sequence[Environment], port: int, host: str = HERE) -> NoReturn:
    """Become the Dagster UI and daemon: a code location for each problem. Metrics are served beside it by setting.

    Raises:
        click.ClickException: a problem is not usable, two of them cannot be shown in one UI, a port is taken, or a UI
            of the same runs is at work.
    """
    from cic_assets.orchestration.instance import claim_database, make_instance
    from cic_assets.orchestration.run_recovery import close_abandoned_runs
    from cic_assets.orchestration.workspace import write_workspace

    shown = shown_together(environments)
    home = home_of_all(shown)
    if why := why_taken(host, port):  # Dagster would go on without its webserver
        raise click.ClickException(why)
    require_metrics_port(environments[0])
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
    begin_beside(environments, variables)
    # Dagster says where it serves among many other lines, and its first page shows no assets.
    click.echo(f"The Dagster UI, in a moment: {url_of(host, port)}/asset-groups. Ctrl+C ends it.", err=True)
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
