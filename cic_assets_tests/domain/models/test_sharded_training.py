"""A training on pictures in shards is the same as one on arrays of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from upath import UPath

from cic_assets.domain.images import decode, encode_jpeg
from cic_assets.domain.models import TrainingDataError, train, train_in_process
from cic_assets.domain.models.data import SPLITS, load_training_data
from cic_assets.domain.models.events import EpochEnd, Message
from cic_assets.domain.models.forgetting import seen_pictures
from cic_assets.domain.models.stored_images import StoredImages
from cic_assets.domain.models.training import _backbone_key
from cic_assets.storage import DataRoot, sha256_hex

from .conftest import MakeDataset
from .small_trainings import FAST, spec_for, weights_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


@pytest.fixture
def arrays(make_dataset: MakeDataset) -> Path:
    return make_dataset(side=36)


@pytest.fixture
def shards(arrays: Path, tmp_path: Path) -> Path:
    """The same data set in shards; the arrays are made what their pictures are as JPEGs."""
    root = DataRoot(str(tmp_path / "root"))
    store, manifest = root.resized(36), pd.read_parquet(arrays / "manifest.parquet")
    rows, sizes = [], {}
    for split in SPLITS:
        images = np.load(arrays / f"{split}.npy")
        for row in manifest[manifest["split"] == split].to_dict("records"):
            jpeg = encode_jpeg(images[row["row"]])
            images[row["row"]] = decode(jpeg)
            sha256 = sha256_hex(row["sha256"].encode())
            store.path(sha256, "jpeg").parent.mkdir(parents=True, exist_ok=True)
            store.path(sha256, "jpeg").write_bytes(jpeg)
            rows.append({**row, "sha256": sha256, "resized_sha256": sha256_hex(jpeg)})
            sizes[sha256] = len(jpeg)
        np.save(arrays / f"{split}.npy", images)
    store.pack("all", sizes, 20_000)
    assert len(list(root.path.glob("shards/36/all/*.tar"))) > 2
    table = pd.DataFrame(rows)
    folder = Path(str(root.dataset))
    folder.mkdir(parents=True)
    for place in (arrays, folder):
        table.to_parquet(place / "manifest.parquet")
    about = json.loads((arrays / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**about, "side": 36, "sharded": True}))
    return folder


def test_it_learns_and_says_the_same(
    arrays: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cic_assets.domain.models import feeds

    monkeypatch.setattr(feeds, "in_runs", feeds.anyhow)  # in the order of arrays
    settings = FAST.model_copy(update={"folds": 2, "epochs": 1})
    for name, folder in (("arrays", arrays), ("shards", shards)):
        train(spec_for(folder, tmp_path / name, settings))
    for one, other in zip(weights_of(tmp_path / "arrays"), weights_of(tmp_path / "shards"), strict=True):
        assert_array_equal(one, other)
    for file in ("predictions.parquet", "folds.parquet"):
        said = [pd.read_parquet(tmp_path / name / file) for name in ("arrays", "shards")]
        pd.testing.assert_frame_equal(*said)


def test_an_epoch_has_every_picture_once_in_runs(shards: Path, tmp_path: Path) -> None:
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.networks import build_classifier

    data = load_training_data(UPath(shards))
    assert all(isinstance(data.splits[split].images, StoredImages) for split in SPLITS)
    settings = FAST.model_copy(update={"input_size": 36})
    with open_feeds(build_classifier(settings, 2), data, settings, tmp_path, lambda _: None) as opened:
        validation = opened.batches["validation"]
        shown = np.concatenate([validation[i][0] for i in range(len(validation))])
        assert_array_equal(shown, data.splits["validation"].images[:])
        labels = np.concatenate([opened.batches["train"][i][1] for i in range(len(opened.batches["train"]))])
        assert labels.sum(axis=0).tolist() == np.bincount(data.splits["train"].labels).tolist()


def test_a_set_without_its_copies_is_not_trained_on(shards: Path) -> None:
    shutil.rmtree(shards.parent / "shards")
    with pytest.raises(TrainingDataError, match=r"48 pictures have no copy .*: materialize resized_images"):
        load_training_data(UPath(shards))


def test_what_a_backbone_says_is_kept_for_the_order_that_pictures_lie_in(shards: Path, tmp_path: Path) -> None:
    """A picture that goes to another source changes its row, and the version of the set stays."""
    spec, data = spec_for(shards, tmp_path, FAST), load_training_data(UPath(shards))
    before = _backbone_key(spec, data, None)
    assert _backbone_key(spec, load_training_data(UPath(shards)), None) == before
    manifest = pd.read_parquet(shards / "manifest.parquet")
    for _, rows in manifest.groupby("split"):
        manifest.loc[rows.index, "row"] = len(rows) - 1 - rows["row"]
    manifest.to_parquet(shards / "manifest.parquet")
    moved = load_training_data(UPath(shards))
    assert moved.version == data.version
    assert _backbone_key(spec, moved, None) != before


def test_a_training_in_another_process_goes_on_while_a_picture_is_taken_down(shards: Path, tmp_path: Path) -> None:
    root = DataRoot(str(shards.parent))
    manifest = pd.read_parquet(shards / "manifest.parquet")
    gone = manifest.loc[manifest["split"] == "validation", "sha256"].iloc[0]
    events: list[object] = []

    def take_down(event: object) -> None:
        if isinstance(event, EpochEnd) and event.epoch == 1:
            root.resized(36).remove(gone)
            # So few pictures stay in the memory of who reads them; it begins anew for those in folds.
        events.append(event)

    settings = FAST.model_copy(update={"epochs": 3, "folds": 2})
    card = train_in_process(spec_for(shards, tmp_path / "model", settings), take_down)
    assert not root.resized(36).has(gone)
    assert len(card.history) == 3
    told = [event.text for event in events if isinstance(event, Message) and event.warning]
    assert any("1 picture was taken down during this training, which went on" in text for text in told)
    assert set(told) <= set(card.warnings)
    assert gone in seen_pictures(UPath(tmp_path / "model"))  # by which its card is marked
