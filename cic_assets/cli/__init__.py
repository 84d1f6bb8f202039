"""`cic`: the whole graph, the demo, archives, predictions and exports, from the command line.

Every command exits with 0, or with 1 (2 for a wrong call) and one clear line that says what to do. One file a group of
commands; heavy imports wait until a command needs them.
"""

import gc
import os
import sys

import click

from cic_assets.cli.archives import archive, sample
from cic_assets.cli.decisions import decide
from cic_assets.cli.exports import export
from cic_assets.cli.faults import Commands
from cic_assets.cli.graph import demo, rescrape, run
from cic_assets.cli.json_lines import JsonLines
from cic_assets.cli.metrics import metrics
from cic_assets.cli.migrate import migrate
from cic_assets.cli.models import models
from cic_assets.cli.predictions import predict, serve
from cic_assets.cli.problems import new
from cic_assets.cli.review import review
from cic_assets.cli.takedowns import purge
from cic_assets.cli.ui import dev

__all__ = ["cli", "main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cic-assets")
def cli() -> None:
    """From a question that a picture answers to classifiers, a report and a predictor."""


for _command in (
    new,
    run,
    rescrape,
    demo,
    dev,
    sample,
    archive,
    predict,
    serve,
    export,
    decide,
    review,
    models,
    purge,
    migrate,
    metrics,
):
    cli.add_command(_command)


def main() -> None:
    """Entry point of the `cic` command."""
    # What commands import is objects by the hundred thousand, none of them garbage: looking through them after each
    # 700 takes a seventh of that.
    gc.set_threshold(10_000)
    if os.environ.get("CIC_LOGS") == "json":  # also what is wrong with other variables
        sys.stderr = JsonLines(sys.stderr)
    cli(prog_name="cic")
