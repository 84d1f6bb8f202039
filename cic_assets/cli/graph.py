"""`cic run` and `cic demo`: the whole graph."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import click

from cic_assets.cli.called import as_called
from cic_assets.cli.options import (
    archive_folder,
    archive_option,
    claim,
    data_root_of,
    data_root_option,
    device_option,
    environment_of,
    preset_option,
    problem_of,
    problem_option,
)
from cic_assets.cli.photos import photos_demo
from cic_assets.cli.progress import Progress
from cic_assets.cli.ui import port_option, show
from cic_assets.config.environment import SAMPLE, SAMPLE_PROBLEM, Environment
from cic_assets.config.schedule_settings import Train

if TYPE_CHECKING:
    from rich.console import Console

    from cic_assets.config.problem import Problem
    from cic_assets.storage import DataRoot

RETRIED = (
    "http_error",
    "not_an_image",
    "timeout",
    "error",
    "truncated",
    "empty",
    "placeholder",
    "too_large",
    "blocked",
)
"""Outcomes after which another answer is possible."""


class Retry(NamedTuple):
    """What `cic rescrape` asks for again: media that ended so, of one source or of all."""

    outcomes: tuple[str, ...]
    source: str | None


@click.command()
@problem_option
@archive_option
@data_root_option
@preset_option
@device_option
@click.option(
    "--train",
    type=click.Choice(get_args(Train)),
    default="when-due",
    show_default=True,
    help="models of another data set: when-due trains them by the rule of the schedule, routine.train_after_growth",
)
@click.option(
    "--select", default="", metavar="ASSET,...", help="these assets alone, where they are out of date; all unless given"
)  # fmt: skip
def run(
    problem: Path | None,
    archive: str | None,
    data_root: str | None,
    preset: str | None,
    device: str | None,
    train: Train,
    select: str,
) -> None:
    """Scrape every source, then bring everything downstream up to date."""
    environment = environment_of(
        problem=problem, archive=archive_folder(archive), data_root=data_root, preset=preset, device=device
    )
    _run(environment, train, frozenset(name.strip() for name in select.split(",")) - {""})


@click.command()
@click.option(
    "--retry",
    "outcomes",
    required=True,
    multiple=True,
    type=click.Choice(RETRIED),
    help="what to ask for again, however often it was asked for; may be given again",
)
@click.option("--source", default=None, metavar="KEY", help="of this source alone")
@problem_option
@archive_option
@data_root_option
@preset_option
@device_option
def rescrape(
    outcomes: tuple[str, ...],
    source: str | None,
    problem: Path | None,
    archive: str | None,
    data_root: str | None,
    preset: str | None,
    device: str | None,
) -> None:
    """Ask again for what ended in an outcome, then do as `cic run` does."""
    _run(
        environment_of(
            problem=problem, archive=archive_folder(archive), data_root=data_root, preset=preset, device=device
        ),
        retry=Retry(outcomes, source),
    )


@click.command()
@data_root_option
@click.option("--ui", is_flag=True, help="show it in the Dagster UI, in place of running it")
@click.option(
    "--photos", is_flag=True,
    help="some hundred photographs of Wikimedia Commons in place of drawn pictures, where there is a network; "
    "CIC_CONTACT has to say who you are",
)  # fmt: skip
@click.option(
    "--archive", metavar="DIR", help="with --photos: a recording that is replayed in place of Wikimedia Commons"
)
@port_option
def demo(data_root: str | None, ui: bool, photos: bool, archive: str | None, port: int) -> None:
    """The whole graph on the embedded sample of drawn pictures, in minutes; without a network, too."""
    if archive and not photos:
        raise click.UsageError("--archive is for --photos: the drawn pictures have one of their own")
    what = photos_demo(archive_folder(archive) or "", data_root) if photos else None
    what = what or {"problem": SAMPLE_PROBLEM, "archive": SAMPLE, "data_root": data_root}
    environment = environment_of(preset="demo", allow_random_weights=True, **what)
    if ui:
        show([environment], port)
    _run(environment)
    where = f" --data-root {shlex.quote(data_root)}" if data_root else ""
    click.echo(f"In the Dagster UI: {as_called()} demo --ui{' --photos' if photos else ''}{where}")


def _run(
    environment: Environment,
    train: Train = "when-due",
    assets: frozenset[str] = frozenset(),
    retry: Retry | None = None,
) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    progress = Progress(console)
    console.print(f"Loading {environment.problem}", highlight=False, markup=False, soft_wrap=True)
    root, problem = data_root_of(environment), problem_of(environment)
    if missing := _missing_sources(root, problem):  # told now, not when its turn comes after hours of downloads
        raise click.ClickException("\n".join(missing))
    if retry and retry.source not in (None, *problem.partitions):
        raise click.UsageError(f"--source {retry.source}: expected one of {', '.join(problem.partitions)}")
    _check_training(console, environment, problem, train, assets)
    claim(root, problem, environment)
    # Dagster takes seconds to import: neither `cic --help` nor a mistake in the problem file waits for it.
    from cic_assets.defs.build import build_definitions
    from cic_assets.defs.training_plan import plan_of
    from cic_assets.domain.missing_outputs import Remains
    from cic_assets.engine import EngineError
    from cic_assets.orchestration.instance import open_instance
    from cic_assets.orchestration.job_execution import through_executor
    from cic_assets.orchestration.run_graph import RunFailedError, UnknownAssetError, Wanted, run_graph

    definitions, has_weights = build_definitions(environment), bool(environment.xception_weights)
    remains = Remains(
        root,
        side=problem.dataset.side,
        models=problem.models,
        has_weights=has_weights,
        precisions=problem.prediction.precisions,
    )
    try:
        with open_instance(root, problem.dagster, progress.line) as instance, progress:
            if retry:
                _ask_again(console, root, retry)
            wanted = Wanted(assets, train, lambda: plan_of(problem, root, instance, has_weights=has_weights))
            on_stage, on_line = progress.stage, progress.line
            execute = None if environment.executor == "multiprocess" else through_executor(instance)
            partitions = list(problem.partitions)
            done = run_graph(definitions, instance, partitions, remains.lack, on_stage, on_line, wanted, execute)
    except UnknownAssetError as error:
        raise click.UsageError(f"--select {error}") from None
    except EngineError as error:  # of the executor, before any step
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console.print("Stopped. What is done is kept: the same command goes on from there.")
        raise
    except RunFailedError as error:
        for failure in error.lines:
            _print_failure(console, failure)
        _tell_dropped_sources(console, root, problem)
        raise click.ClickException(
            f"{len(error.lines)} step(s) failed; run the same command again when the cause is gone: "
            "what is done is kept, and a source that failed kept what it had"
        ) from None
    _print_results(root, done, progress.seconds)
    _tell_dropped_sources(console, root, problem)


def _missing_sources(root: "DataRoot", problem: "Problem") -> list[str]:
    """A line for each source whose file or folder is not there; one that was scraped before fails in its turn alone."""
    from cic_assets.domain.sources import why_missing

    new = [one.source for key, one in problem.partitions.items() if not root.has_table("raw_images", key)]
    return [why for source in new if (why := why_missing(source))]


def _ask_again(console: "Console", root: "DataRoot", retry: Retry) -> None:
    from cic_assets.domain.media import Outcome
    from cic_assets.domain.sources import ask_again

    outcomes = [Outcome(outcome) for outcome in retry.outcomes]
    keys = [key for key in root.table_partitions("raw_images") if retry.source in (None, key)]
    count = sum(ask_again(root, outcomes, key) for key in keys)
    console.print(f"Asking again for {count} media", highlight=False)


def _check_training(
    console: "Console", environment: Environment, problem: "Problem", train: Train, assets: frozenset[str]
) -> None:
    """Also told now: the trainings come last."""
    models = {f"{name}_model" for name in problem.models}
    may_train = train != "never" and not (assets and assets.isdisjoint(models)) and models
    if not may_train and environment.device != "gpu":
        return
    from cic_assets.domain.models import AcceleratorSettings, ModelError, check_training

    if environment.device == "gpu":
        console.print("Looking for a GPU", highlight=False)
    try:
        check_training(AcceleratorSettings(device=environment.device))
    except ModelError as error:
        raise click.ClickException(str(error)) from None


def _tell_dropped_sources(console: "Console", root: "DataRoot", problem: "Problem") -> None:
    """After the scrapes: what has a new name has its pictures under it by then."""
    from cic_assets.domain.takedowns import dropped_sources

    for left in dropped_sources(root, problem.partitions):
        console.print(
            f"{left.key} is no source of {problem.name} any more: its pictures are left out, and nobody asks about "
            f"take-downs of its posts. In no other source: {left.pictures} pictures. To remove what it left: "
            f"{as_called()} purge --whole-source {left.key} --data-root {shlex.quote(root.url)}",
            highlight=False, markup=False, soft_wrap=True, style="yellow",
        )  # fmt: skip


def _print_failure(console: "Console", failure: str) -> None:
    """One line a step; what else its message has, such as a process's last words, indented below."""
    first, *rest = failure.splitlines()
    console.print("failed", first, highlight=False, markup=False, soft_wrap=True, style="bold red")
    for line in rest:
        console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)


def _print_results(root: "DataRoot", done: int, seconds: float) -> None:
    from cic_assets.domain.evaluation import ReportInputError, report_tables

    page = root.report / "report.html"
    if not page.exists():  # not asked for, or no model to report on
        click.echo(f"{done} assets materialized in {seconds:.0f} s")
        return
    try:
        click.echo(report_tables(root))
    except ReportInputError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{done} assets materialized in {seconds:.0f} s")
    click.echo(f"Report: {page}")
