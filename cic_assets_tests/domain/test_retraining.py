import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.dataset import MANIFEST, DatasetInfo, Split, forget_pictures
from cic_assets.domain.models import CARD_FILE, MODEL_FILE, PICTURES_FILE, PREDICTIONS_FILE
from cic_assets.domain.retraining import plan_training
from cic_assets.storage import write_json
from cic_assets_tests.fixtures.versions import ALL_FILES, OF_FILES


@pytest.fixture
def world(tmp_path, make_card):
    return World(UPath(tmp_path), make_card)


class World:
    def __init__(self, root, make_card):
        self.make_card = make_card
        self.dataset, self.models = root / "dataset", root / "models"

    def build(self, version, pictures, classes=("dark", "bright"), left_out=0):
        info = DatasetInfo(
            name="x", classes=list(classes), class_weights={}, counts={}, side=64, version=version,
            left_out={"cars": left_out} if left_out else {},
        )  # fmt: skip
        write_json(self.dataset / "dataset.json", info.model_dump())
        write_pictures(self.dataset / MANIFEST, pictures)
        for split in Split:
            for file in (f"{split}.npy", f"{split}_labels.npy"):
                (self.dataset / file).touch()

    def train(self, version, pictures, name="vgg", **changes):
        card = self.make_card(data_version=version, **changes)
        write_json(self.models / name / CARD_FILE, card.model_dump(mode="json"))
        write_pictures(self.models / name / PICTURES_FILE, pictures)
        for file in (MODEL_FILE, PREDICTIONS_FILE):
            (self.models / name / file).touch()

    def plan(self, *names, **given):
        models, reason = plan_training(self.dataset, {name: self.models / name for name in names}, 0.05, **given)
        return models, reason

    def why(self, **given):
        models, reason = self.plan("vgg", **given)
        return reason, models == ["vgg"]


def write_pictures(path, count):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [str(number) for number in range(count)]
    pd.DataFrame({"sha256": names, "group_id": names, "split": "train"}).to_parquet(str(path))


def test_without_a_data_set_there_is_nothing_to_train_on(world):
    assert world.why() == ("there is no data set yet", False)


def test_a_data_set_of_which_pictures_were_taken_down_is_made_again_first(world):
    world.build("1", 100)
    manifest = pd.read_parquet(world.dataset / MANIFEST)
    manifest.assign(unit_id=manifest["group_id"]).to_parquet(world.dataset / MANIFEST)
    assert forget_pictures(world.dataset, {"0"}, [], {})
    assert world.why() == ("files of the data set are gone: it has to be made again first", False)


def test_a_model_that_is_not_there_is_trained(world):
    world.build("1", 100)
    assert world.why() == ("vgg was not trained yet", True)


def test_each_model_that_is_due_has_its_reason(world):
    world.build("1", 100)
    names = ["vgg", "peetz_net", "xception"]
    assert world.plan(*names) == (names, "vgg was not trained yet (so with peetz_net and xception)")
    world.train("1", 100, "peetz_net", random_weights=True)
    assert world.plan(*names, has_weights=True)[1] == (
        "vgg was not trained yet (so with xception); peetz_net had to do without pretrained weights, which are here now"
    )


@pytest.mark.parametrize(("pictures", "worth"), [(100, False), (104, False), (105, True), (90, False)])
def test_a_set_that_grew_enough_is_trained_on(world, pictures, worth):
    world.train("1", 100)
    world.build("2", pictures)
    reason, is_worth = world.why()
    assert is_worth is worth
    assert f"{pictures}" in reason


def test_the_same_set_is_not_trained_on_again(world):
    world.train("1", 100)
    world.build("1", 200)
    assert not world.why()[1]


def test_pictures_that_were_taken_down_are_a_reason(world):
    world.train("1", 100, takedowns={"count": 1, "since": "2026-01-01T00:00:00Z"})
    world.build("2", 99)
    assert world.why() == ("vgg has seen pictures that were taken down", True)


@pytest.mark.parametrize("file", ALL_FILES)
def test_files_that_somebody_removed_are_a_reason(world, file):
    world.train("1", 100, **OF_FILES)
    world.build("1", 100)
    for each in ALL_FILES:
        (world.models / "vgg" / each).touch()
    assert not world.why()[1]
    (world.models / "vgg" / file).unlink()
    assert world.why() == ("files of vgg are gone", True)


def test_weights_that_are_here_now_are_a_reason(world):
    world.train("1", 100, random_weights=True)
    world.build("1", 100)
    assert not world.why()[1]
    assert world.why(has_weights=True) == ("vgg had to do without pretrained weights, which are here now", True)


def test_other_classes_are_a_reason(world):
    world.train("1", 100)
    world.build("2", 100, classes=("dark", "bright", "blue"))
    assert world.why() == ("vgg knows other classes", True)


def relabelled(path, classes):
    """A table of pictures with their classes."""
    table = pd.read_parquet(path)
    table.assign(klass=classes).to_parquet(path)


CORRECTED = "pictures that vgg knows are of another class now, or were left out by hand"


@pytest.mark.parametrize(
    ("classes", "decided", "why"),
    [
        (["dark"] * 98, (), None),  # two are gone from their source
        (
            ["dark"] * 97 + ["bright"],
            (),
            f"1 {CORRECTED}",
        ),
        (["dark"] * 98, ("98", "99"), f"2 {CORRECTED}"),
        (["dark"] * 98, ("1", "2"), None),  # confirmed
    ],
)
def test_a_person_s_word_about_classes_is_a_reason(world, classes, decided, why):
    world.train("1", 100)
    relabelled(world.models / "vgg" / PICTURES_FILE, "dark")
    world.build("2", 98)
    relabelled(world.dataset / MANIFEST, classes)
    reason, is_due = world.why(decided=decided)
    assert (is_due, reason if is_due else None) == (why is not None, why)


@pytest.mark.parametrize(
    ("pictures", "left_out", "back"),
    [
        (102, 1, 2),  # two of three
        (102, 0, 2),  # a third was taken down, or is gone from its source
        (101, 3, None),  # one came, as any may
        (100, 0, None),  # what was left out is gone
        (101, 5, None),  # others were left out that the model did not know
    ],
)
def test_what_was_left_out_and_is_back_is_a_reason(world, pictures, left_out, back):
    world.train("1", 100, left_out=3)
    world.build("2", pictures, left_out=left_out)
    reason, is_due = world.why()
    assert is_due is (back is not None)
    if back:
        assert reason == f"{back} pictures that were left out by hand when vgg was trained are back"


def test_a_model_of_before_does_not_say_what_class_its_pictures_were_of(world):
    world.train("1", 100)
    world.build("2", 100)
    relabelled(world.dataset / MANIFEST, "dark")
    assert not world.why(decided=["1"])[1]


def test_another_way_of_training_is_a_reason(world):
    world.train("1", 100)
    world.build("1", 100)
    assert world.why(changed={"vgg"}) == ("vgg would be trained in another way now", True)


def test_with_one_that_is_due_those_of_another_data_set_are_trained(world):
    world.build("2", 101)
    world.train("1", 100)
    world.train("2", 101, name="peetz_net")
    assert world.plan("vgg", "peetz_net", "new") == (["vgg", "new"], "new was not trained yet")


def test_a_data_set_with_leaks_is_not_trained_on(world):
    world.build("1", 100)
    manifest = pd.read_parquet(world.dataset / MANIFEST)
    manifest.assign(group_id="0", split=["train"] * 99 + ["test"]).to_parquet(world.dataset / MANIFEST)
    assert world.why() == ("100 pictures of the data set have a copy, or one of the same post, in another split", False)
