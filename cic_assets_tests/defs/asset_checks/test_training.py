"""The check of each model: whether the version that was trained last answers, and whether the champion is whole."""

import json

import pytest
from dagster import AssetCheckSeverity

from cic_assets.config.problem import Problem
from cic_assets.defs.asset_checks import training
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.models.card import file_sha256
from cic_assets_tests.domain.champions.conftest import Place


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "root")
    place.build(600)
    return place


PROBLEM = {
    "name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}, "models": {"vgg": {"architecture": "vgg"}},
}  # fmt: skip


def check(place):
    (promoted,) = training.build_checks(Problem.model_validate(PROBLEM))
    assert [(spec.name, spec.blocking) for spec in promoted.check_specs] == [("promoted", True)]
    return promoted(data=DataRootResource(url=place.root.url))


def make_whole(place):
    """The files here say which version they are of, and no more: the card is made that of the champion's file."""
    path = place.folder / "card.json"
    sha256 = file_sha256(place.folder / "model.keras")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": sha256}))


def test_it_stops_where_there_is_no_champion(place):
    result = check(place)
    assert (result.passed, result.severity) == (False, AssetCheckSeverity.ERROR)
    assert "no model 'vgg'" in result.description


def test_it_warns_with_all_numbers_where_the_champion_stays(place):
    place.train()
    version, _ = place.train(wrong=range(30))
    make_whole(place)
    result = check(place)
    assert (result.passed, result.severity) == (False, AssetCheckSeverity.WARN)
    assert result.description.startswith(f"version {version} does not answer, ")
    shown = {name: value.value for name, value in result.metadata.items()}
    assert (shown["pictures"], shown["champion right"], shown["new version right"]) == (180, 180, 150)
    assert shown["difference, at least"] < shown["difference"] < shown["difference, at most"] < 0
    assert shown["cost over the champion's"] == 1


def test_it_stops_where_the_champion_is_damaged(place):
    place.train()
    make_whole(place)
    assert check(place).severity == AssetCheckSeverity.WARN
    (place.folder / "model.keras").write_text("another")
    result = check(place)
    assert (result.passed, result.severity) == (False, AssetCheckSeverity.ERROR)
    assert "is not the model that card.json describes" in result.description
