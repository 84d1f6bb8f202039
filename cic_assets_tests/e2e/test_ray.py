"""The whole graph on a cluster two of whose nodes are killed: as on one machine, without a restart by hand."""

import threading

import cv2
import numpy as np
import pytest
import yaml
from dagster import DagsterEventType, DagsterInstance

from cic_assets.config.presets import PRESETS
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.commands import Commands
from cic_assets_tests.fixtures.ray_cluster import wait_for
from cic_assets_tests.fixtures.states import state_of
from cic_assets_tests.fixtures.worlds import picture

# A cluster of three nodes on two cores, and pictures of 27 megapixels: many minutes.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600), pytest.mark.xdist_group("ray")]

PROBLEM = {
    "name": "large",
    "question": "Car or tank?",
    "classes": {"car": ["r/cars"], "tank": ["r/tanks"]},
    "dataset": {"side": 64, "min_per_class": 3, "splits": {"train": 0.4, "validation": 0.3, "test": 0.3}},
    "features": {"enabled": False},
    "models": {
        "vgg": {
            **PRESETS["demo"]["models"]["vgg"]["original"],
            "variant": "original",
            "width": 0.05,
            "input_size": 32,
            "epochs": 8,
        },
        "peetz_net": None,
        "xception": None,
    },
}


class Large(Commands):
    """A problem whose pictures take a while to decode."""

    models = frozenset({"vgg"})

    def __init__(self, folder, variables):
        folder.mkdir()
        self.root = folder / "root"
        super().__init__(folder, {**variables, "CIC_DATA_ROOT": str(self.root)})
        (folder / "problem.yaml").write_text(yaml.safe_dump(PROBLEM))

    def bring_up_to_date(self, archive):
        return self.run("cic", "run", "--problem", "problem.yaml", "--archive", archive.folder, "--train", "always")

    def events(self):
        with DagsterInstance.from_config(str(self.root / "dagster")) as instance:
            for run in reversed(instance.get_runs()):
                for record in instance.get_records_for_run(run.run_id).records:
                    if record.event_log_entry.is_dagster_event:
                        yield record.event_log_entry.get_dagster_event()

    def data_versions(self):
        """Of each asset and partition the last."""
        materialized = [
            event.step_materialization_data.materialization for event in self.events() if event.is_step_materialization
        ]
        return {
            (one.asset_key.to_user_string(), one.partition): one.tags["dagster/data_version"] for one in materialized
        }


def large_picture(klass, number):
    """Of 27 megapixels."""
    small = cv2.imdecode(np.frombuffer(picture(klass, number), np.uint8), cv2.IMREAD_COLOR)
    large = cv2.resize(small, (6000, 4500), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def test_a_run_whose_nodes_are_killed_ends_as_one_on_one_machine(ray_cluster, make_archive, tmp_path, bare_variables):
    archive = make_archive(tmp_path / "archive")
    for number in range(16):
        archive.add(f"c{number}", large_picture("car", number), subreddit="cars")
        archive.add(f"t{number}", large_picture("tank", number), subreddit="tanks")
    here = Large(tmp_path / "here", bare_variables)
    result = here.bring_up_to_date(archive)
    assert result.returncode == 0, result.stderr
    on_ray = {**ray_cluster.variables, "CIC_ENGINE": "ray", "CIC_EXECUTOR": "ray"}
    there = Large(tmp_path / "there", bare_variables | on_ray)
    killed = []

    def kill_node(is_time, *words):
        node = wait_for(lambda: is_time() and ray_cluster.node_at_work(*words), f"a node at {words}", seconds=1800)
        ray_cluster.kill(node)
        killed.append(words)
        ray_cluster.restore()

    def kill_nodes():
        kill_node((there.root / "tables" / "raw_images").exists, "ray::_work")
        checkpoint = there.root / "scratch" / "vgg" / "checkpoint"
        kill_node(lambda: checkpoint.exists() and any(checkpoint.iterdir()), "cic_assets.domain.models.worker", "train")

    killer = threading.Thread(target=kill_nodes, daemon=True)
    killer.start()
    result = there.bring_up_to_date(archive)
    assert result.returncode == 0, result.stderr
    killer.join(300)
    assert len(killed) == 2
    assert "16 of 16 fingerprints" in result.stderr
    retried = [event.step_key for event in there.events() if event.event_type is DagsterEventType.STEP_UP_FOR_RETRY]
    assert retried == ["vgg_model"]
    found, expected = (state_of(DataRoot(str(one.root)), one.models) for one in (there, here))
    assert [place for place in expected if found.pop(place) != expected[place]] == []
    assert found == {}
    versions = there.data_versions(), here.data_versions()
    # Keras writes the time into a model's file, whose hash is the version, and a report names it.
    of_files = [{one.pop((name, None)) for one in versions} for name in ("vgg_model", "evaluation_report")]
    assert [len(both) for both in of_files] == [2, 2]
    assert versions[0] == versions[1]
    assert len(versions[0]) == 15
