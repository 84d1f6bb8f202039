"""A data set of names alone, and trainings that answer on it as a test says."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.champions import PromotionSettings, promote_trained
from cic_assets.domain.models import trained_folder
from cic_assets.storage import DataRoot, write_json
from cic_assets_tests.fixtures.versions import lay_out_training

SPLITS = {"train": 0.5, "validation": 0.2, "test": 0.3}


class Place:
    """A data root with one model, `vgg`."""

    def __init__(self, folder):
        self.root = DataRoot(str(folder))
        self.folder = self.root.model("vgg")
        self.said, self.number = [], 0

    def build(self, pictures, version="1", per_unit=1, classes=("car", "tank")):
        """A data set of so many pictures, every tenth in the same split whatever their number."""
        numbers = np.arange(pictures)
        unit = numbers // per_unit
        split = np.select([unit % 10 < 5, unit % 10 < 7], ["train", "validation"], "test")
        self.manifest = pd.DataFrame({
            "sha256": [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers],
            "unit_id": [f"u{number}" for number in unit], "split": split,
            "klass": np.array(classes)[numbers % len(classes)],
        })  # fmt: skip
        self.manifest["row"] = self.manifest.groupby("split").cumcount()
        self.manifest["label"] = [list(classes).index(klass) for klass in self.manifest["klass"]]
        self.root.dataset.mkdir(parents=True, exist_ok=True)
        self.manifest.to_parquet(self.root.dataset / "manifest.parquet")
        write_json(self.root.dataset / "dataset.json", {"version": version, "classes": list(classes)})
        self.version = version

    def train(self, wrong=(), margin=0.05, keep=5, flops=100, **changes):
        """A training that names all test pictures rightly but for those of some rows; what was decided."""
        self.lay_out(wrong, flops, **changes)
        settings = PromotionSettings(margin=margin, keep_versions=keep)
        new, decision = promote_trained(self.root, "vgg", settings, self.said.append)
        return new.id, decision

    def lay_out(self, wrong=(), flops=100, **changes):
        trained = trained_folder(self.folder)
        classes = list(dict.fromkeys(self.manifest["klass"]))
        card = lay_out_training(
            self.folder, self.number, **{"data_version": self.version, "labels": classes, **changes}
        )
        measures = card.measures.model_copy(update={"flops": flops})
        write_json(trained / "card.json", card.model_copy(update={"measures": measures}).model_dump(mode="json"))
        self.manifest[["sha256", "split"]].to_parquet(trained / "pictures.parquet")
        judged = self.manifest[self.manifest["split"] == "test"].reset_index(drop=True)
        other = dict(zip(classes, classes[1:] + classes[:1], strict=True))
        is_wrong = judged.index.isin(list(wrong))
        judged["predicted"] = judged["klass"].where(~is_wrong, judged["klass"].map(other))
        judged.drop(columns=["unit_id", "row"]).to_parquet(trained / "predictions.parquet")
        self.number += 1


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "root")
