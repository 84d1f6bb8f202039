"""`cic metrics`: what the graph does, as Prometheus reads it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cic_assets.cli.homes import environments_of, home_of_all, problems_option, shown_together
from cic_assets.cli.options import data_root_option, preset_option, token_option
from cic_assets.config.environment import METRICS_HOST, METRICS_PORT, Environment
from cic_assets.web.listening import Listening, is_loopback
from cic_assets.web.ports import url_of, why_taken

if TYPE_CHECKING:
    from cic_assets.orchestration.metrics import Exporter


@click.command()
@problems_option
@data_root_option
@preset_option
@click.option("--host", default=None, help=f"address to listen at; that of CIC_METRICS, or {METRICS_HOST}, unless told")
@click.option(
    "--port", type=int, default=None, help=f"of the metrics; that of CIC_METRICS, or {METRICS_PORT}, unless told"
)
@token_option
@click.option("--once", is_flag=True, help="say it once, on standard output, and end")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write it once, whole at once, and end; what ends in .prom node_exporter's textfile collector reads",
)
@click.option("--until", type=int, metavar="PID", help="end once the process with this number has ended")
def metrics(
    problems: tuple[Path, ...],
    data_root: str | None,
    preset: str | None,
    host: str | None,
    port: int | None,
    token: str | None,
    once: bool,
    output: Path | None,
    until: int | None,
) -> None:
    """What the graph does, for Prometheus: runs, assets, checks, sources, schedules, disks, at /metrics.

    It reads what Dagster recorded. It listens for others only with a token, which Prometheus shows as its bearer token.
    `cic dev` does the same beside the UI where CIC_METRICS is set.
    """
    environments = environments_of(problems, data_root, preset=preset, token=token)
    settings = _listening(environments[0], host, port)
    if not (once or output) and (mistake := settings.mistake()):
        raise click.UsageError(mistake)
    exporter = _exporter(environments)
    if once or output:
        _tell(exporter, output)
    else:
        _serve(exporter, settings, until)


def _exporter(environments: Sequence[Environment]) -> "Exporter":
    home = home_of_all(shown_together(environments))
    from cic_assets.orchestration.metrics import Exporter

    return Exporter(environments, home)


def _tell(exporter: "Exporter", output: Path | None) -> None:
    from upath import UPath

    from cic_assets.storage import write_atomically

    text = exporter.text()
    exporter.close()
    if output:
        write_atomically(UPath(output), text)
    else:
        click.echo(text, nl=False)


def _serve(exporter: "Exporter", settings: Listening, until: int | None) -> None:
    from cic_assets.orchestration.machine import is_at_work
    from cic_assets.web.metrics import serve_metrics

    # uvicorn raises the signal that ended it once more: who is told to end and does so has not failed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if why := why_taken(settings.host, settings.port):
        raise click.ClickException(why)
    since = time.time()
    is_over = (lambda: not is_at_work(until, since)) if until else None
    url = f"{url_of(settings.host, settings.port)}/metrics"
    serve_metrics(exporter.text, settings, is_over=is_over, on_start=lambda: click.echo(f"Metrics at {url}", err=True))
    exporter.close()


def _listening(environment: Environment, host: str | None = None, port: int | None = None) -> Listening:
    from cic_assets.web.metrics import OTHERS_RATE

    at = environment.metrics_at or (METRICS_HOST, METRICS_PORT)
    host, port = host or at[0], at[1] if port is None else port
    return Listening(host, port, environment.token, 0 if is_loopback(host) else OTHERS_RATE)


def require_metrics_port(environment: Environment) -> None:
    """Where `CIC_METRICS` is set, look whether metrics can be served there, and for whom.

    Raises:
        click.ClickException: they cannot.
    """
    if environment.metrics_at is None:
        return
    settings = _listening(environment)
    if why := settings.mistake() or why_taken(settings.host, settings.port):
        raise click.ClickException(f"CIC_METRICS is {environment.metrics}: {why}")


def begin_beside(environments: Sequence[Environment], variables: Mapping[str, str]) -> None:
    """Where `CIC_METRICS` is set, begin `cic metrics` in a process of its own, which ends when this one does.

    It is told on standard error where it is. What it fails by is no reason for the UI to end.

    Args:
        environments: of the problems that are shown.
        variables: of the environment of that process.
    """
    if environments[0].metrics_at is None:
        return
    command = [sys.executable, "-c", "from cic_assets.cli import main; main()", "metrics", "--until", str(os.getpid())]
    if len(environments) > 1:  # each has its own data root
        variables = {name: value for name, value in variables.items() if name != "CIC_DATA_ROOT"}
        command += [word for one in environments for word in ("--problem", str(one.problem.resolve()))]
    # No shell, and nothing of a stranger.
    subprocess.Popen(command, env=dict(variables), stdin=subprocess.DEVNULL)  # noqa: S603
