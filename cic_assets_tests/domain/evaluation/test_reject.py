"""What the report says of pictures that are none of the classes, and beside which training pictures it shows others."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from cic_assets.domain.evaluation import ReportSettings, build_report, load_report_inputs
from cic_assets.domain.evaluation.gallery import MOST_BESIDE, Gallery
from cic_assets.domain.evaluation.reject import judge_reject, nearest_training_pictures


def test_the_report_says_how_many_test_pictures_are_refused(report, world):
    part = report.data.models["vgg"].reject
    assert (part.refused, part.n) == (1, (world.manifest["split"] == "test").sum())
    low, high = part.refused_ci
    assert 0 < low < 1 / part.n < high < 0.25
    assert part.set_by == (world.manifest["split"] == "validation").sum()
    assert part.background is None
    assert 'id="reject"' in report.html
    assert "set, but not measured: no background" in report.html


def test_a_model_of_before_is_not_in_it(report):
    assert report.data.models["peetz_net"].reject is None
    section = re.search(r'id="reject".*?</table>', report.html, re.DOTALL)[0]
    assert "VGG" in section
    assert "Peetz" not in section


def test_mistakes_are_shown_beside_the_training_picture_that_is_nearest(inputs, world):
    gallery = Gallery(inputs, ReportSettings(mistakes=3))
    near = nearest_training_pictures(inputs.models["vgg"])
    shown = gallery.wrong_beside_known("vgg")
    rows = world.manifest.set_index("sha256")
    answers = inputs.judged("vgg")
    assert shown.total == (~answers.right).sum()
    assert len(shown.items) == 3
    for item in shown.items:
        assert rows.loc[item.picture.sha256, "split"] == "test"
        assert rows.loc[item.known.sha256, "split"] == "train"
        assert near[item.picture.sha256] == (item.known.sha256, item.distance)
        assert item.known_klass == rows.loc[item.known.sha256, "klass"]


def test_those_that_are_nearest_come_first(inputs, world):
    shown = Gallery(inputs, ReportSettings()).nearest_beside_known("vgg")
    distances = [item.distance for item in shown.items]
    near = [distance for _, distance in nearest_training_pictures(inputs.models["vgg"]).values()]
    assert distances == sorted(near)[:MOST_BESIDE]
    assert shown.total == len(near) == (world.manifest["split"] == "test").sum()


def test_the_pictures_of_both_sides_can_be_taken_off(report, inputs):
    """Each is a figure of its own that says what it shows."""
    best = report.data.answer.model
    for item in Gallery(inputs, ReportSettings()).nearest_beside_known(best).items:
        for picture in (item.picture, item.known):
            assert f'<figure class="square" data-picture="{picture.sha256}">' in report.html


def test_a_training_picture_that_is_gone_from_the_set_is_not_shown(new_world):
    world = new_world()
    world.write_model("vgg")
    inputs = load_report_inputs(world.root, world.question())
    name = next(iter(nearest_training_pictures(inputs.models["vgg"]).values()))[0]
    left = inputs.models["vgg"].embeddings.without({name})
    near = nearest_training_pictures(replace(inputs.models["vgg"], embeddings=left))
    assert name not in {known for known, _ in near.values()}


def test_too_few_to_set_a_threshold_are_told(new_world):
    world = new_world(each=12)
    world.write_model("vgg")
    report = build_report(load_report_inputs(world.root, world.question()))
    part = report.data.models["vgg"].reject
    assert (part.threshold, part.refused) == (None, 0)
    assert "too few pictures to set a threshold" in report.html


def test_units_count_once(world, inputs):
    """Of pictures of one unit that go together the interval is wider."""
    run = inputs.models["vgg"]
    alone = judge_reject(run, world.manifest.assign(unit_id=world.manifest["sha256"]))
    half = np.arange(len(world.manifest)) % 2
    together = judge_reject(run, world.manifest.assign(unit_id=pd.Series(half).astype(str).to_numpy()))
    assert np.ptp(together.refused_ci) > np.ptp(alone.refused_ci)
