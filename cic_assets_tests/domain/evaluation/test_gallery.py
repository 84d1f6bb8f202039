import base64

import cv2
import numpy as np
import pytest

from cic_assets.domain.evaluation import ReportSettings, load_report_inputs
from cic_assets.domain.evaluation.album import thumbnail
from cic_assets.domain.evaluation.gallery import Gallery
from cic_assets.domain.models import AugmentationSettings


@pytest.fixture(scope="module")
def gallery(inputs):
    return Gallery(inputs, ReportSettings())


def pixels(picture):
    data = base64.b64decode(picture.src.removeprefix("data:image/jpeg;base64,"))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


class TestThumbnail:
    def test_noise_fits_too(self):
        noise = np.random.default_rng(0).integers(0, 255, (112, 200, 3), np.uint8)
        src, width, height = thumbnail(noise, 200, 5_000)
        assert len(base64.b64decode(src.partition(",")[2])) <= 5_000
        assert max(width, height) <= 200
        assert width / height == pytest.approx(16 / 9, rel=0.03)

    def test_small_pictures_stay_as_they_are(self):
        assert thumbnail(np.zeros((50, 70, 3), np.uint8), 200, 5_000)[1:] == (70, 50)

    def test_one_pixel_wide(self):
        assert thumbnail(np.zeros((2000, 1, 3), np.uint8), 200, 5_000)[1:] == (1, 200)


class TestMistakes:
    def test_are_all_wrong_answers_surest_first(self, inputs, gallery):
        rows = inputs.models["vgg"].of_split("test")
        shown = gallery.mistakes("vgg", 100)
        assert shown.total == len(shown.items) == (rows["predicted"] != rows["klass"]).sum() > 0
        assert all(item.truth != item.said for item in shown.items)
        chances = [item.probability for item in shown.items]
        assert chances == sorted(chances, reverse=True)
        assert min(chances) >= 0.5

    def test_what_is_left_out_is_counted(self, gallery):
        shown = gallery.mistakes("vgg", 1)
        assert len(shown.items) == 1
        assert shown.counted == f"1 of {shown.total}"
        assert gallery.mistakes("vgg", 100).counted == f"all {shown.total}"

    def test_knows_who_else_was_wrong(self, inputs, gallery):
        wrong = {}
        for name, run in inputs.models.items():
            rows = run.of_split("test")
            wrong[name] = set(rows.loc[rows["predicted"] != rows["klass"], "sha256"])
        expected = sum((sha in wrong["peetz_net"]) + (sha in wrong["xception"]) for sha in wrong["vgg"])
        assert sum(item.also_wrong for item in gallery.mistakes("vgg", 100).items) == expected

    def test_pictures_are_the_resized_squares(self, world, gallery):
        assert {pixels(item.picture).shape for item in gallery.mistakes("vgg", 100).items} == {(64, 64, 3)}


def test_right_ones_are_right_and_in_order(gallery):
    most, least = gallery.most_certain("vgg"), gallery.least_certain("vgg")
    assert all(item.truth == item.said for item in [*most.items, *least.items])
    assert most.items[0].probability >= most.items[-1].probability >= least.items[-1].probability
    assert least.items[0].probability <= least.items[-1].probability
    assert most.total == least.total


def test_samples_of_each_class(inputs, gallery):
    samples = gallery.samples()
    assert list(samples) == ["car", "tank"]
    assert {klass: shown.total for klass, shown in samples.items()} == dict(inputs.manifest["klass"].value_counts())
    assert all(item.klass == klass for klass, shown in samples.items() for item in shown.items)
    assert {len(shown.items) for shown in samples.values()} == {8}


def test_many_classes_share_the_room(inputs):
    samples = Gallery(inputs, ReportSettings(sample_pictures=6)).samples()
    assert [len(shown.items) for shown in samples.values()] == [3, 3]


class TestResizing:
    def test_shows_every_class_and_shape(self, gallery):
        shown = gallery.resizing()
        assert {item.klass for item in shown.items} == {"car", "tank"}
        assert len({item.size_before[:2] for item in shown.items}) == 3
        for item in shown.items:
            height, width = pixels(item.before).shape[:2]
            assert width / height == pytest.approx(item.size_before[0] / item.size_before[1], rel=0.02)
            assert pixels(item.after).shape == (64, 64, 3)

    def test_the_frame_is_the_centre_square(self, gallery):
        by_size = {item.size_before[:2]: item.crop for item in gallery.resizing().items}
        assert by_size[160, 120] == (12.5, 0, 75, 100)
        assert by_size[120, 200] == (0, 20, 100, 60)
        assert by_size[300, 100] == (33.33, 0, 33.33, 100)


class TestAugmented:
    def test_five_of_both_classes_the_same_each_time(self, gallery):
        varied = gallery.augmented(AugmentationSettings(), seed=3)
        assert [item.klass for item in varied] == ["car", "tank", "car", "tank", "car"]
        assert varied == gallery.augmented(AugmentationSettings(), seed=3)
        assert varied != gallery.augmented(AugmentationSettings(), seed=4)

    def test_nothing_varied_is_the_picture_itself(self, inputs, gallery):
        still = AugmentationSettings(rotation=0, brightness=(1, 1), flip=False)
        train = set(inputs.manifest.loc[inputs.manifest["split"] == "train", "sha256"])
        originals = [cv2.imdecode(np.frombuffer(inputs.resized.get(sha, "jpeg"), np.uint8), 1) for sha in train]
        for item in gallery.augmented(still, seed=0):
            assert min(np.abs(pixels(item.picture).astype(int) - one).mean() for one in originals) < 4


class TestGroups:
    def test_kept_first_with_distance_and_verifier(self, gallery):
        shown = gallery.groups()
        assert shown.total == 2
        for group in shown.items:
            kept, dropped = group.members.items
            assert (kept.kept, dropped.kept) == (True, False)
            assert (dropped.distance, dropped.verified_by) == (1 / 32, "phash256")
            assert kept.verified_by == ""
            assert (kept.is_sharper, dropped.is_sharper) == (True, False)
            assert kept.klass == dropped.klass

    def test_conflicts_are_apart(self, gallery):
        shown = gallery.conflicts()
        assert shown.total == 1
        assert {member.klass for member in shown.items[0].members.items} == {"car", "tank"}
        assert not any(member.kept for member in shown.items[0].members.items)

    def test_large_groups_and_many_groups_are_cut_and_counted(self, inputs):
        gallery = Gallery(inputs, ReportSettings(groups=1, group_pictures=2))
        shown = gallery.groups()
        assert shown.counted == "1 of 2"


def test_a_picture_that_is_gone_leaves_an_empty_place(new_world):
    world = new_world(each=24)
    world.write_model("vgg", skill=0.3)
    for folder in (world.root.images.root, world.root.resized(64).root):
        for file in folder.rglob("*.jpg"):
            file.unlink()
    gallery = Gallery(load_report_inputs(world.root, world.question()), ReportSettings())
    assert gallery.augmented(AugmentationSettings(), 0) == []
    shown = gallery.mistakes("vgg", 100)
    assert shown.total > 0
    assert {item.picture.src for item in shown.items} == {""}
