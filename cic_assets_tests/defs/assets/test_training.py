"""What keeps a training from starting, and what it does at its end."""

import sys

import pandas as pd
import pytest
from dagster import AssetKey, DagsterInstance

from cic_assets.defs.build import build_definitions
from cic_assets.domain.champions import promote_trained
from cic_assets.domain.dataset import MANIFEST
from cic_assets.domain.models import read_card, seen_pictures

LACK = "training needs TensorFlow: install cic-assets with the extra train (pip install 'cic-assets[train]')"


def told_of(world, groups):
    """Why `vgg_model` alone, as one can select it in the UI, is not trained on two pictures of these groups."""
    world.root.dataset.mkdir(parents=True)
    rows = [
        {"sha256": sha256, "split": split, "group_id": group, "klass": "car"}
        for sha256, split, group in zip("ab", ("train", "test"), groups, strict=True)
    ]
    pd.DataFrame(rows).to_parquet(world.root.dataset / MANIFEST)
    job = build_definitions(world.environment).resolve_job_def("train_all")
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, asset_selection=[AssetKey("vgg_model")], raise_on_error=False
        )
    (failure,) = result.get_step_failure_events()
    return failure.step_failure_data.user_failure_data.description


@pytest.mark.slow
def test_a_data_set_that_leaks_is_not_trained_on_however_it_is_started(world):
    """The blocking check keeps back the run that builds it; this one selects the model alone."""
    told = told_of(world, ("same", "same"))
    assert told.startswith("2 pictures of the data set have a copy, or one of the same post, in another split")
    assert not world.root.model("vgg").exists()


@pytest.mark.slow
def test_where_training_is_not_installed_it_says_so_and_the_model_of_before_stays(world, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    model = world.root.model("vgg") / "model.keras"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"before")
    assert told_of(world, ("one", "another")) == LACK
    assert model.read_bytes() == b"before"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_taken_down_while_it_is_decided_which_version_answers_is_forgotten(world, monkeypatch):
    gone = []

    def meanwhile(root, *given):
        """A take-down of another machine was at work: it left rows out, and did not find the version that moved."""
        promoted = promote_trained(root, *given)
        seen, raw = seen_pictures(root.model("vgg")), root.read_table("raw_images", "cars")
        gone.append(next(sha256 for sha256 in raw["sha256"] if sha256 in seen))
        root.write_table("raw_images", raw[raw["sha256"] != gone[0]], "cars")
        return promoted

    monkeypatch.setattr("cic_assets.defs.assets.training.promote_trained", meanwhile)
    world.train_only("vgg")
    world.run(up_to="train_all")
    assert gone[0] not in seen_pictures(world.root.model("vgg"))
    assert read_card(world.root.model("vgg")).takedowns.count == 1
