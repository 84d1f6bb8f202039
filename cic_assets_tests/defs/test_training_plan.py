"""What Dagster recorded of a training counts as a reason to train again."""

import pandas as pd
import pytest
from dagster import DagsterInstance, MaterializeResult, asset, materialize

from cic_assets.config.problem_file import load_problem
from cic_assets.defs.assets.training import build_assets
from cic_assets.defs.training_plan import plan_of
from cic_assets.domain.dataset import MANIFEST, DatasetInfo, Split
from cic_assets.domain.models import CARD_FILE, MODEL_FILE, PICTURES_FILE, PREDICTIONS_FILE
from cic_assets.storage import write_json


@pytest.fixture
def trained(world, make_card):
    """A data set and three models of it, and an instance on which they were trained as they are asked for."""
    info = DatasetInfo(name="three", classes=["dark", "bright"], class_weights={}, counts={}, side=72, version="d")
    write_json(world.root.dataset / "dataset.json", info.model_dump())
    pd.DataFrame({"sha256": ["a"]}).to_parquet(str(world.root.dataset / MANIFEST))
    for split in Split:
        for file in (f"{split}.npy", f"{split}_labels.npy"):
            (world.root.dataset / file).touch()
    with DagsterInstance.ephemeral() as instance:
        for name, model in zip(load(world).models, build_assets(load(world)), strict=True):
            write_json(world.root.model(name) / CARD_FILE, make_card(name).model_dump(mode="json"))
            for file in (MODEL_FILE, PREDICTIONS_FILE, PICTURES_FILE):
                (world.root.model(name) / file).touch()
            (spec,) = model.specs
            materialize([made_like(spec)], instance=instance)
        yield instance


def made_like(spec):
    @asset(name=spec.key.path[-1], code_version=spec.code_version)
    def made():
        return MaterializeResult()

    return made


def load(world):
    return load_problem(world.environment.problem)


def plan(world, instance):
    return plan_of(load(world), world.root, instance, has_weights=False)


def test_settings_that_changed_are_a_reason(world, trained):
    assert plan(world, trained).models == []
    world.environment.problem.write_text(world.environment.problem.read_text().replace("epochs: 1", "epochs: 3"))
    assert plan(world, trained) == (["xception"], "xception would be trained in another way now")


def test_what_was_trained_elsewhere_is_none(world, trained):
    with DagsterInstance.ephemeral() as another:
        assert plan(world, another).models == []
