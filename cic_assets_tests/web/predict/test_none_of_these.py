"""The nearest training pictures come with an answer, small and made anew, where they were asked for and are there."""

import base64
import shutil

import cv2
import numpy as np
import pytest

from cic_assets.domain.images import decode
from cic_assets.domain.prediction import Input
from cic_assets.storage import DataRoot
from cic_assets.web.predict import Panel, ServeSettings
from cic_assets.web.predict.openapi import document
from cic_assets_tests.fixtures.predictors import SIDE

pytestmark = pytest.mark.slow

START = "data:image/jpeg;base64,"


@pytest.fixture
def asked(exported_root, tmp_path):
    """A data root with a resized copy of the picture that is nearest to a red one; its SHA-256, the copy, the panel."""
    shutil.copytree(str(exported_root.path), tmp_path / "root")
    root = DataRoot(str(tmp_path / "root"))
    red = Input("red.png", cv2.imencode(".png", np.full((60, 80, 3), (10, 10, 230), np.uint8))[1].tobytes())
    panel = Panel.load(root)
    nearest = panel.ask(red).predictions[0].nearest[0].sha256
    copy = cv2.imencode(".jpg", np.full((SIDE, SIDE, 3), 90, np.uint8))[1].tobytes()
    (path := root.resized(SIDE).path(nearest, "jpeg")).parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(copy)
    return panel, red, nearest, copy


def rows(panel, item, **how):
    return [near for said in panel.ask(item, **how).row()["predictions"] for near in said["nearest"]]


def test_they_are_shown_where_they_are_there(asked):
    panel, red, nearest, copy = asked
    shown = [near for near in rows(panel, red, with_thumbnails=True) if near["thumbnail"]]
    assert {near["sha256"] for near in shown} == {nearest}
    data = base64.b64decode(shown[0]["thumbnail"].removeprefix(START))
    assert data != copy
    assert decode(data).shape == (128, 128, 3)
    assert {near["thumbnail"] for near in rows(panel, red)} == {None}


def test_what_is_said_is_what_the_api_describes(asked):
    panel, red, _, _ = asked
    schemas = document(ServeSettings())["components"]["schemas"]
    (said, _) = panel.ask(red).row()["predictions"]
    assert said["none_of_these"] is True
    assert set(said) == set(schemas["Prediction"]["properties"])
    assert {frozenset(near) for near in said["nearest"]} == {frozenset(schemas["Nearest"]["properties"])}
