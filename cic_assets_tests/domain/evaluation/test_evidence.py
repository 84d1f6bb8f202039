"""Mistakes are shown with what in them spoke for the answer, by the models themselves."""

import dataclasses
import re

import numpy as np
import pytest

from cic_assets.domain.evaluation import ReportSettings, build_report
from cic_assets.domain.evaluation.evidence import COLOUR, OPACITY, Evidence, speaking_for
from cic_assets.domain.models import read_card
from cic_assets.storage import write_json


def test_what_speaks_for_a_class_is_what_it_gets_over_the_others():
    evidence = np.array([[[3.0, 1.0, 1.0], [1.0, 1.0, 1.0]], [[0.0, 4.0, 0.0], [2.0, 1.0, 1.0]]])
    assert speaking_for(evidence, 0) == pytest.approx(np.array([[1, 0], [0, 0.5]]))
    assert speaking_for(np.zeros((2, 2, 3)), 0).tolist() == [[0, 0], [0, 0]]


@pytest.mark.slow  # the model is made by Keras
class TestOfAModel:
    def test_a_picture_is_coloured_where_the_model_sees_it(self, exported_root):
        """Its left half is bright, and brightness is all that the model knows."""
        picture = np.zeros((36, 36, 3), np.uint8)
        picture[:, :18] = 255
        evidence = Evidence({"vgg": exported_root.model("vgg")})
        drawn = evidence.drawn_over("vgg", picture, "bright")
        assert drawn.shape == picture.shape
        assert (drawn[:, 24:] == 0).all()
        assert drawn[18, 4] == pytest.approx((1 - OPACITY) * 255 + OPACITY * np.array(COLOUR), abs=1)
        dark = evidence.drawn_over("vgg", picture, "dark")
        assert (dark[:, :12] == 255).all()
        assert dark[18, 30, 0] == pytest.approx(OPACITY * 255, abs=1)

    def test_a_model_that_was_never_exported_or_that_is_gone_shows_nothing(self, keras_root, tmp_path):
        evidence = Evidence({"vgg": keras_root.model("vgg"), "gone": keras_root.model("gone")})
        picture = np.zeros((36, 36, 3), np.uint8)
        assert [evidence.drawn_over(name, picture, "dark") for name in ("vgg", "gone", "unknown")] == [None] * 3

    def test_each_mistake_that_is_shown_has_one(self, inputs, exported_root, tmp_path):
        """The report of made-up answers, with a model that looks at its pictures; and one whose file is another."""
        folders = {name: with_classes(exported_root, tmp_path, name) for name in ("vgg", "peetz_net")}
        (folders["peetz_net"] / "model.onnx").write_bytes(b"another")
        few = ReportSettings(mistakes=3, other_mistakes=3)
        shown = build_report(dataclasses.replace(inputs, folders=folders), few)
        plain = build_report(inputs, few)
        assert len(re.findall('class="square located"', plain.html)) == 0
        mistakes = min(3, shown.data.models["vgg"].n - shown.data.models["vgg"].right)
        assert len(re.findall('class="square located"', shown.html)) == mistakes > 0
        assert shown.html.count("<img") == plain.html.count("<img") + mistakes
        assert shown.data == plain.data


def with_classes(root, tmp_path, name):
    """A model's folder, with the classes of the report's pictures."""
    from upath import UPath

    target = UPath(tmp_path / name)
    target.mkdir()
    for file in root.model(name).iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    card = read_card(target).model_copy(update={"labels": ["car", "tank"]})
    write_json(target / "card.json", card.model_dump(mode="json"))
    return target
