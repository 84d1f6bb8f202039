"""How often a model was right, with its interval, as soon as it is trained: what the report says of it in one line."""

import pandas as pd
from upath import UPath

from cic_assets.domain.evaluation.answers import Answers, answers_of
from cic_assets.domain.evaluation.inputs import load_run
from cic_assets.domain.evaluation.intervals import Estimate, share_interval


def measure_accuracy(folder: UPath, manifest: pd.DataFrame) -> dict[str, Estimate]:
    """Of the model itself on the `test` split, and in `folds` over all pictures where it was judged so.

    Args:
        folder: of the model.
        manifest: of the data set; answers about pictures that it does not have, as of those taken down, do not count.
    """
    run = load_run(folder)
    tables = {"test": run.of_split("test")} | ({} if run.folds is None else {"folds": run.folds})
    there = {where: table[table["sha256"].isin(manifest["sha256"])] for where, table in tables.items()}
    return {
        where: _accuracy(answers_of(table, manifest, run.card.labels)) for where, table in there.items() if len(table)
    }


def _accuracy(answers: Answers) -> Estimate:
    return Estimate(float(answers.right.mean()), share_interval(answers.right, answers.units))
