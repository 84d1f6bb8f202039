"""What keeps a training from starting."""

import pandas as pd
import pytest
from dagster import AssetKey, DagsterInstance

from cic_assets.defs.build import build_definitions
from cic_assets.domain.dataset import MANIFEST


@pytest.mark.slow
def test_a_data_set_that_leaks_is_not_trained_on_however_it_is_started(world):
    """The blocking check keeps back the run that builds it; this one selects the model alone, as one can in the UI."""
    world.root.dataset.mkdir(parents=True)
    row = {"sha256": "a", "split": "train", "group_id": "same", "klass": "car"}
    manifest = pd.DataFrame([row, {**row, "sha256": "b", "split": "test"}])
    manifest.to_parquet(world.root.dataset / MANIFEST)
    job = build_definitions(world.environment).resolve_job_def("train_all")
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, asset_selection=[AssetKey("vgg_model")], raise_on_error=False
        )
    (failure,) = result.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data.description
    assert told.startswith("2 pictures of the data set have a copy, or one of the same post, in another split")
    assert not world.root.model("vgg").exists()
