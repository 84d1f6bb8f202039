"""`cic predict` and `cic serve`: what the models say of pictures."""

import json
import signal
import sys
from typing import TYPE_CHECKING

import click

from cic_assets.cli.options import data_root_of, data_root_option, environment_of, token_option
from cic_assets.cli.quiet import telling_of_keras

if TYPE_CHECKING:
    from cic_assets.domain.prediction import Prediction


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL|DIR...")
@data_root_option
@click.option("--model", default=None, help="which model; the best by validation loss unless given")
@click.option("--json", "as_json", is_flag=True, help="a list of objects, one a picture")
def predict(sources: tuple[str, ...], data_root: str | None, model: str | None, as_json: bool) -> None:
    """Classify pictures with the best model.

    What cannot be read is told on standard error, and ends with 1; other files beside the pictures of a folder do not.
    """
    from cic_assets.domain.prediction import PredictionError, predict_sources
    from cic_assets.storage import storable_text

    root = data_root_of(environment_of(data_root=data_root))
    try:
        with telling_of_keras() as on_keras:
            predictions = list(predict_sources(root, sources, model, on_keras=on_keras))
    except PredictionError as error:
        raise click.ClickException(str(error)) from None
    for prediction in predictions:
        if prediction.error:
            click.echo(storable_text(f"{prediction.path}: {prediction.error}"), err=True)
        elif not as_json:
            click.echo(storable_text(_line(prediction)))
    if as_json:
        click.echo(json.dumps([prediction.row() for prediction in predictions], indent=2))
    if any(prediction.error and not prediction.skipped for prediction in predictions):
        sys.exit(1)


def _line(prediction: "Prediction") -> str:
    return f"{prediction.path}: {prediction.label} ({prediction.probability:.1%}, {prediction.model})"


@click.command()
@data_root_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="address to listen at; this machine only unless told"
)
@click.option("--port", default=8000, show_default=True, help="of the page")
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
def serve(
    data_root: str | None, host: str, port: int, token: str | None, workers: int | None, rate: float | None
) -> None:
    """The predictor's page and API: drop a picture in, see its class.

    What it answers, and what it refuses, is on its page /docs. It listens for others only with a token, and then for
    browsers at /?token=TOKEN.
    """
    from cic_assets.domain.prediction import PredictionError
    from cic_assets.web.predict import ServeSettings, serve_page

    # uvicorn raises the signal that ended it once more: who is told to end and does so has not failed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = environment_of(data_root=data_root, token=token)
    settings = ServeSettings.of_options(host, port, environment.token, workers=workers, rate=rate)
    if mistake := settings.mistake():
        raise click.UsageError(mistake)
    try:
        serve_page(data_root_of(environment), settings, loading=telling_of_keras)
    except PredictionError as error:
        raise click.ClickException(str(error)) from None
