"""`cic`: the whole graph, the demo, archives, predictions and exports, from the command line.

Every command exits with 0, or with 1 (2 for a wrong call) and one clear line that says what to do. Heavy imports wait
until a command needs them.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console

from cic_assets.environment import SAMPLE, SAMPLE_PROBLEM, Environment

if TYPE_CHECKING:
    from cic_assets.prediction import Prediction
    from cic_assets.storage import DataRoot


def _option(name: str, *flags: str, **kwargs: Any) -> Callable[[Any], Any]:
    """An option that is also an environment variable, with the words of `Environment`."""
    field = Environment.model_fields[name]
    return click.option(*flags, name, envvar=str(field.title), show_envvar=True, help=field.description, **kwargs)


_data_root = _option("data_root", "--data-root", default=None, metavar="FOLDER|URL")
_problem = _option("problem", "--problem", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cic-assets")
def cli() -> None:
    """From a question that a picture answers to classifiers, a report and a predictor."""


@cli.command()
@_problem
@_option("archive", "--archive", metavar="DIR")
@_data_root
@_option("preset", "--preset", metavar="full|demo")
def run(problem: Path | None, archive: str | None, data_root: str | None, preset: str | None) -> None:
    """Scrape every source, then bring everything downstream up to date."""
    environment = _environment(problem=problem, archive=_archive_folder(archive), data_root=data_root, preset=preset)
    _run(environment)


@cli.command()
@_data_root
def demo(data_root: str | None) -> None:
    """The whole graph on the embedded sample of drawn pictures, offline, in minutes."""
    environment = _environment(
        problem=SAMPLE_PROBLEM,
        archive=SAMPLE,
        data_root=data_root or "data/demo",
        preset="demo",
        allow_random_weights=True,
    )
    _run(environment)


@cli.command()
@_problem
@_option("archive", "--archive", metavar="DIR")
@_data_root
@_option("preset", "--preset", metavar="full|demo")
@click.option("--port", default=3000, show_default=True, help="of the UI, on this machine only")
def dev(problem: Path | None, archive: str | None, data_root: str | None, preset: str | None, port: int) -> None:
    """The Dagster UI and daemon on this machine, until interrupted."""
    from cic_assets.instance import ensure_home, write_workspace
    from cic_assets.storage import DataRoot

    environment = _environment(problem=problem, archive=_archive_folder(archive), data_root=data_root, preset=preset)
    if environment.or_sample() != environment:
        click.echo("No Reddit credentials and no archive: the embedded sample of drawn pictures is used.", err=True)
    variables = os.environ | environment.variables()
    home = ensure_home(DataRoot(environment.data_root))
    variables["DAGSTER_HOME"] = str(home)
    # `dagster dev` warns that `dg dev` takes its place; that one works inside a checkout only.
    command = [sys.executable, "-W", "ignore:Function", "-m", "dagster", "dev", "-p", str(port)]
    command += ["-w", str(write_workspace(home))]
    os.execve(sys.executable, command, variables)  # noqa: S606 - no shell; the UI takes this process's place


@cli.group()
def archive() -> None:
    """Recorded archives of subreddits."""


@archive.command("serve")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", default=8765, show_default=True, help="0 takes any free one")
def serve_archive(directory: Path, port: int) -> None:
    """Replay an archive as Reddit and as the hosts that its posts link to."""
    from cic_assets.reddit import ArchiveError, serve

    try:
        serve(directory, port)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from None


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL|DIR...")
@_data_root
@click.option("--model", default=None, help="which model; the best by validation accuracy unless given")
@click.option("--json", "as_json", is_flag=True, help="a list of objects, one a picture")
def predict(sources: tuple[str, ...], data_root: str | None, model: str | None, as_json: bool) -> None:
    """Classify pictures with the best model."""
    from cic_assets.prediction import PredictionError, load_predictor
    from cic_assets.storage import DataRoot

    _silence_tensorflow()
    root = DataRoot(_environment(data_root=data_root).data_root)
    try:
        predictions = load_predictor(root, model).predict(sources)
    except PredictionError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps([prediction.row() for prediction in predictions], indent=2))
    else:
        for prediction in predictions:
            click.echo(_prediction_line(prediction))
    if any(prediction.error for prediction in predictions):
        sys.exit(1)


def _prediction_line(prediction: "Prediction") -> str:
    if prediction.error:
        return f"{prediction.path}: {prediction.error}"
    return f"{prediction.path}: {prediction.label} ({prediction.probability:.1%}, {prediction.model})"


def _silence_tensorflow() -> None:
    # Its start-up notes about this machine's instructions would stand before every answer.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@cli.command()
@_data_root
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(data_root: str | None, host: str, port: int) -> None:
    """The predictor's page: drop a picture in, see its class."""
    from cic_assets.prediction import PredictionError, serve_page
    from cic_assets.storage import DataRoot

    _silence_tensorflow()
    try:
        serve_page(DataRoot(_environment(data_root=data_root).data_root), host=host, port=port)
    except PredictionError as error:
        raise click.ClickException(str(error)) from None


@cli.command()
@click.argument("layout", metavar="FORMAT", type=click.Choice(["kaggle"]))
@click.argument("out", type=click.Path(path_type=Path))
@_data_root
def export(layout: str, out: Path, data_root: str | None) -> None:
    """Write the data set for other tools. kaggle: OUT/train/CLASS/0.jpg, ..., OUT/test/CLASS/0.jpg, ..."""
    from cic_assets.dataset import DatasetError, export_class_folders
    from cic_assets.storage import DataRoot

    root = DataRoot(_environment(data_root=data_root).data_root)
    try:
        counts = export_class_folders(root, out)
    except DatasetError as error:
        raise click.ClickException(str(error)) from None
    for split, of_class in counts.items():
        click.echo(f"{split}: " + ", ".join(f"{count} {klass}" for klass, count in of_class.items()))
    click.echo(f"Written ({layout}): {out}")


@cli.command()
@click.option("--post", "posts", multiple=True, metavar="ID", help="as raw_images has it; may be given again")
@click.option("--sha256", "sha256s", multiple=True, metavar="HEX", help="a picture, under whatever post it is or comes")
@click.option("--source", default=None, metavar="KEY", help="where lists or folders have several items of one name")
@_data_root
def purge(posts: tuple[str, ...], sha256s: tuple[str, ...], source: str | None, data_root: str | None) -> None:
    """Remove posts or pictures from everywhere under the data root, for good."""
    from cic_assets.instance import lock_home
    from cic_assets.storage import DataRoot
    from cic_assets.takedowns import PurgeError
    from cic_assets.takedowns import purge as purge_from

    if not posts and not sha256s:
        raise click.UsageError("nothing to purge: give --post ID or --sha256 HEX")
    root = DataRoot(_environment(data_root=data_root).data_root)
    try:
        with lock_home(root):
            done = purge_from(root, posts, sha256s, source=source, on_progress=lambda line: click.echo(line, err=True))
    except PurgeError as error:
        raise click.ClickException(str(error)) from None
    kept = f", {done.kept} kept because another post has them too" if done.kept else ""
    click.echo(f"Purged {done.posts} posts and {done.pictures} pictures{kept}; `cic run` rebuilds what they were in")


def _environment(**options: Any) -> Environment:
    """The environment with the options of a command over it; also put where other processes see it."""
    given = {name: value for name, value in options.items() if value is not None}
    environment = Environment.from_variables().model_copy(update=given)
    os.environ.update(environment.variables())
    return environment


def _archive_folder(archive: str | None) -> str | None:
    if not archive or archive == SAMPLE:
        return archive
    if not Path(archive).is_dir():
        raise click.ClickException(f"--archive {archive}: there is no such folder: expected a recorded archive")
    return str(Path(archive).resolve())


def _run(environment: Environment) -> None:
    console = Console(stderr=True)
    progress = _Progress(console)
    console.print(f"[bold]Loading[/] {environment.problem}", highlight=False)
    from cic_assets.problem import ProblemError, load_problem
    from cic_assets.storage import DataRoot

    root = DataRoot(environment.data_root)
    try:
        problem = load_problem(environment.problem, environment.preset)
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    # Dagster takes seconds to import: neither `cic --help` nor a mistake in the problem file waits for it.
    from cic_assets.build import build_definitions
    from cic_assets.instance import open_instance
    from cic_assets.runs import RunFailedError, run_graph

    definitions = build_definitions(environment)
    try:
        with open_instance(root) as instance, progress:
            done = run_graph(definitions, instance, list(problem.partitions), progress.stage, progress.line)
    except RunFailedError as error:
        for line in error.lines:
            console.print("failed", line, highlight=False, markup=False, style="bold red")
        raise click.ClickException(
            f"{len(error.lines)} step(s) failed; run the same command again when the cause is gone: "
            "what is done is kept"
        ) from None
    _print_results(root, done, progress.seconds)


def _print_results(root: "DataRoot", done: int, seconds: float) -> None:
    from cic_assets.evaluation import report_tables

    click.echo(report_tables(root))
    click.echo(f"{done} assets materialized in {seconds:.0f} s")
    click.echo(f"Report: {root.report / 'report.html'}")


class _Progress:
    """What runs and for how long: one moving line on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("") if console.is_terminal else None
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._status:
            self._status.stop()

    def stage(self, title: str) -> None:
        self._console.print(f"[{self.seconds:4.0f} s] {title}", highlight=False, markup=False, style="bold")
        if self._status:
            self._status.update(title)

    def line(self, text: str) -> None:
        first = text.strip().splitlines()[0] if text.strip() else ""
        # A log file takes lines of any length; a terminal shows what fits.
        fit = {"overflow": "ellipsis", "no_wrap": True} if self._console.is_terminal else {"soft_wrap": True}
        self._console.print(f"         {first}", highlight=False, markup=False, **fit)


def main() -> None:
    """Entry point of the `cic` command."""
    cli(prog_name="cic")
