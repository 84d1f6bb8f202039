"""`cic predict` and `cic serve`: what the models say of pictures."""

import csv
import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from cic_assets.cli.options import (
    data_root_of,
    data_root_option,
    environment_of,
    precision_option,
    problem_option,
    token_option,
)
from cic_assets.cli.picture_progress import PictureProgress, can_show
from cic_assets.cli.piped import lines_of, may_wait, read_piped
from cic_assets.cli.quiet import telling_of_keras
from cic_assets.cli.review import review_site

if TYPE_CHECKING:
    from cic_assets.domain.prediction import Input, Prediction


def _require_some(context: click.Context, argument: click.Parameter, sources: tuple[str, ...]) -> tuple[str, ...]:
    if not sources and context.params["listed"] is None:
        raise click.MissingParameter(ctx=context, param=argument)
    return sources


@click.command()
@click.argument("sources", nargs=-1, metavar="PATH|PATTERN|URL|DIR|-...", callback=_require_some)
@data_root_option
@click.option("--model", default=None, help="which model; the best by validation loss unless given")
@precision_option
@click.option(
    "--from", "listed", type=click.File(), is_eager=True, help="file with more of them, one a line; - is standard input"
)
@click.option("--json", "form", flag_value="json", help="a list of objects, one a picture")
@click.option("--jsonl", "form", flag_value="jsonl", help="the same objects, each on a line of its own")
@click.option("--csv", "form", flag_value="csv", help="a table with a header, one row a picture")
def predict(
    sources: tuple[str, ...],
    data_root: str | None,
    model: str | None,
    precision: str,
    listed: TextIO | None,
    form: str | None,
) -> None:
    """Classify pictures with the best model; - is a picture from standard input.

    What cannot be read is told on standard error, and ends with 1; other files beside the pictures of a folder do not.
    """
    from cic_assets.domain.download import Network
    from cic_assets.domain.prediction import PredictionError, choose_model, predict_on, predict_sources
    from cic_assets.engine import EngineError, open_engine

    environment = environment_of(data_root=data_root)
    root = data_root_of(environment)
    asked = chain(map(_read_if_piped, sources), lines_of(listed) if listed else ())
    waits = listed is not None and may_wait(listed)
    try:
        write, end = _FORMS[form](choose_model(root, model)[1])
        with telling_of_keras() as on_keras:
            with_posts, network = form in ("json", "jsonl"), Network.public(environment.proxy)
            if environment.engine == "local" or waits:  # what comes one by one is answered here, at once
                answers = predict_sources(
                    root, asked, model, network, on_keras, precision, as_they_come=waits, with_posts=with_posts
                )
            else:
                engine = open_engine(environment.engine)
                answers = predict_on(engine, root, asked, model, network, precision, with_posts=with_posts)
            failed = _tell(answers, write, _progress(sources, listed, form, waits=waits))
        end()
    except (PredictionError, EngineError) as error:
        raise click.ClickException(str(error)) from None
    if failed:
        sys.exit(1)


def _tell(answers: "Iterable[Prediction]", write: "Callable[[Prediction], None]", progress: PictureProgress) -> bool:
    """Write the answers as they come; whether there is none for something that was asked about."""
    from cic_assets.storage import storable_text

    failed, is_on_screen = False, sys.stdout.isatty()
    with progress:
        for prediction in answers:
            failed |= bool(prediction.error) and not prediction.skipped
            if prediction.error or is_on_screen:
                progress.clear()
            if prediction.error:
                click.echo(storable_text(f"{prediction.path}: {prediction.error}"), err=True)
            write(prediction)
            progress.advance()
    return failed


def _progress(sources: Sequence[str], listed: TextIO | None, form: str | None, *, waits: bool) -> PictureProgress:
    """What a person at a terminal sees of it. A list that is written there has lines that are not whole yet."""

    def count() -> Iterator[int]:
        from cic_assets.domain.prediction import count_inputs

        with nullcontext() if listed is None else Path(listed.name).open() as names:
            yield from count_inputs(chain(sources, lines_of(names) if names else ()))

    # What comes on standard input can be read once only.
    known = not waits and (listed is None or listed.name != sys.stdin.name)
    is_watched = can_show(sys.stderr) and not (form == "json" and sys.stdout.isatty())
    return PictureProgress(sys.stderr, count if known else None, is_watched=is_watched)


def _read_if_piped(source: str) -> "str | Input":
    from cic_assets.domain.prediction import MAX_BYTES, Input

    if source != "-":
        return source
    data = read_piped(sys.stdin, MAX_BYTES)
    return Input("-", data) if len(data) <= MAX_BYTES else Input("-", error=f"more than {MAX_BYTES} bytes")


Writing = tuple[Callable[["Prediction"], None], Callable[[], None]]
"""What writes one prediction, and what ends the output."""


def _as_lines(_labels: Sequence[str]) -> Writing:
    """For a person: what has an answer, a line each."""
    from cic_assets.domain.models import FULL
    from cic_assets.storage import storable_text

    def write(one: "Prediction") -> None:
        if not one.error:
            model = one.model if one.precision == FULL else f"{one.model} in {one.precision}"
            strange = ", but looks like nothing it was trained on" if one.none_of_these else ""
            click.echo(storable_text(f"{one.path}: {one.label} ({one.probability:.1%}, {model}){strange}"))

    return write, _nothing


def _as_json(_labels: Sequence[str]) -> Writing:
    """One list, which is written as it grows."""
    openings = chain(["[\n"], repeat(",\n"))

    def write(one: "Prediction") -> None:
        click.echo(next(openings) + json.dumps(one.row()), nl=False)

    def end() -> None:
        click.echo("[]" if next(openings) == "[\n" else "\n]")

    return write, end


def _as_json_lines(_labels: Sequence[str]) -> Writing:
    return lambda one: click.echo(json.dumps(one.row())), _nothing


def _as_csv(labels: Sequence[str]) -> Writing:
    """The columns of the table that the graph makes of predictions."""
    from cic_assets.domain.prediction import cells, column_names

    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(column_names(labels))

    def write(one: "Prediction") -> None:
        rows.writerow(cells(one, labels))
        sys.stdout.flush()  # who reads the other end of a pipe need not wait for the next ones

    return write, _nothing


def _nothing() -> None:
    """There is no more to write."""


_FORMS: Mapping[str | None, Callable[[Sequence[str]], Writing]] = {
    None: _as_lines,
    "json": _as_json,
    "jsonl": _as_json_lines,
    "csv": _as_csv,
}


@click.command()
@data_root_option
@problem_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="address to listen at; this machine only unless told"
)
@click.option("--port", default=8000, show_default=True, help="of the page")
@precision_option
@token_option
@click.option(
    "--workers", type=click.IntRange(1, 256), default=None, help="pictures looked at at once; as many as cores"
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 10_000),
    default=None,
    help="pictures a second from one address, 0 for any number; 5, on this machine only any number",
)
@click.option(
    "--review",
    "with_review",
    is_flag=True,
    help="who has the token may look through the data set and decide at /review, as by cic review; without a token and "
    "for this machine only one may anyway",
)
def serve(
    data_root: str | None,
    problem: Path | None,
    host: str,
    port: int,
    precision: str,
    token: str | None,
    workers: int | None,
    rate: float | None,
    with_review: bool,
) -> None:
    """The predictor's page and API: drop a picture in, see its class.

    What it answers, and what it refuses, is on its page /docs; what `cic review` shows may be at /review. It listens
    for others only with a token, and then for browsers at /?token=TOKEN.
    """
    from cic_assets.domain.download import Network
    from cic_assets.domain.prediction import PredictionError
    from cic_assets.web.late_review import LateReview
    from cic_assets.web.predict import ServeSettings, serve_page

    # uvicorn raises the signal that ended it once more: who is told to end and does so has not failed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = environment_of(data_root=data_root, problem=problem, token=token)
    settings = ServeSettings.of_options(host, port, environment.token, workers=workers, rate=rate, precision=precision)
    if mistake := settings.mistake():
        raise click.UsageError(mistake)
    try:
        root = data_root_of(environment)
        review = None
        if with_review or settings.for_its_user_alone:  # a token for predictions gives no right to change labels
            review = LateReview(lambda: review_site(environment, root, settings, named=problem is not None))
        network = Network.public(environment.proxy)
        serve_page(root, settings, loading=telling_of_keras, network=network, review=review)
    except PredictionError as error:
        raise click.ClickException(str(error)) from None
