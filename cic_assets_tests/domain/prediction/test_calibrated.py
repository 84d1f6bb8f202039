"""What an answer is worth comes with it, the same through every door."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from cic_assets.domain.models import Calibration
from cic_assets.domain.prediction import as_table, cells, column_names

CALIBRATION = Calibration(temperature=2.0, largest_doubts={"90": 0.2, "95": 0.4}, pictures=40, units=30)


@pytest.fixture
def says(make_predictor):
    """What a calibrated model says of a picture that is bright with this probability."""
    predictor = make_predictor(calibration=CALIBRATION)
    return lambda bright: predictor.say("a.png", np.array([1 - bright, bright]))


def test_the_probability_is_put_right_and_stays_as_it_was_beside(says):
    said = says(0.9)
    assert (said.label, said.probability, said.probabilities["bright"]) == ("bright", 0.9, 0.9)
    assert said.calibrated_probability == pytest.approx(0.9**0.5 / (0.9**0.5 + 0.1**0.5))


@pytest.mark.parametrize(
    ("bright", "plausible"),
    [
        (0.99, {"90": ["bright"], "95": ["bright"]}),
        (0.8, {"90": [], "95": ["bright"]}),
        (0.5, {"90": [], "95": []}),
        (0.05, {"90": ["dark"], "95": ["dark"]}),
    ],
)
def test_plausible_is_what_little_speaks_against(says, bright, plausible):
    assert says(bright).plausible == plausible


def test_a_model_of_before_says_nothing_of_it(make_predictor):
    said = make_predictor().say("a.png", np.array([0.1, 0.9]))
    assert (said.label, said.calibrated_probability, said.plausible) == ("bright", None, {})


def test_tables_and_rows_say_the_same(says, make_predictor):
    both = [
        replace(says(0.99), none_of_these=True, outlier_score=1.5),
        make_predictor().say("b.png", np.array([0.9, 0.1])),
    ]
    labels = ["dark", "bright"]
    table = as_table(both, labels)
    assert list(table) == column_names(labels)
    assert list(table)[-5:] == [
        "calibrated_probability", "plausible_90", "plausible_95", "none_of_these", "outlier_score",
    ]  # fmt: skip
    assert list(table["none_of_these"]) == ["true", ""]
    assert np.isnan(table["outlier_score"][1])
    assert table["calibrated_probability"][0] == both[0].row()["calibrated_probability"]
    assert np.isnan(table["calibrated_probability"][1])
    assert list(table["plausible_95"]) == ["bright", ""]
    written = io.StringIO()
    csv.writer(written).writerow(cells(both[0], labels))
    assert written.getvalue().strip() == ",".join(map(str, table.iloc[0]))
    assert json.loads(json.dumps(both[0].row()))["plausible"] == {"90": ["bright"], "95": ["bright"]}
