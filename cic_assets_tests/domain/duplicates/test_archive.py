"""Against real photos: a recorded archive whose copies are known, and copies that we make of other photos ourselves."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from cic_assets.domain.duplicates import DuplicateSettings, find_duplicates
from cic_assets.domain.images import decode
from cic_assets.domain.overrides import Overrides

from .conftest import Gallery, copies_found, crop, encode, gallery_of, gamma, letterbox, other_subject, painted

pytestmark = [pytest.mark.shared, pytest.mark.slow]

# Pairs of the archive that its truth does not have, looked at: one is the other, shrunk and cropped by a third.
SAME_PHOTO = [{"1zmx004hby6rc.jpg", "e0818qh7umg83.jpg"}]


def find(gallery):
    return find_duplicates(gallery.table, gallery.blobs.__getitem__, DuplicateSettings(), Overrides()).groups


@pytest.fixture(scope="module")
def archive(shared_data):
    return gallery_of(shared_data / "archive")


def test_the_archive(archive):
    gallery, truth, sha256s = archive
    groups = find(gallery)
    hits = copies_found(groups, truth, sha256s)
    assert all(hits["must"])
    assert all(hits["conflict"])
    assert np.mean(hits["should"]) >= 0.9
    assert len(hits["must"]) >= 50

    picture = {sha256s[row["url"]]: row["copy_of"] or row["url"] for row in truth}
    for _, group in groups.groupby("group_id"):
        names = {Path(picture[sha256]).name for sha256 in group["sha256"]}
        assert len(names) == 1 or names in SAME_PHOTO
        assert group["keep"].sum() == (0 if group["klass"].nunique() > 1 else 1)


COPIES = {
    "quality 20": lambda rgb, _: encode(rgb, 20),
    "half size": lambda rgb, _: rgb[::2, ::2],
    "darker": lambda rgb, rng: gamma(rgb, rng.uniform(1.3, 1.8)),
    "crop": lambda rgb, rng: crop(rgb, rng.uniform(0.9, 0.98), *rng.uniform(0, 1, 2)),
    "mirrored crop": lambda rgb, rng: crop(rgb, 0.93, *rng.uniform(0, 1, 2))[:, ::-1],
    "crop and gamma": lambda rgb, rng: encode(gamma(crop(rgb, 0.92, *rng.uniform(0, 1, 2)), 0.7), 50),
    "turned": lambda rgb, rng: np.rot90(rgb, rng.integers(1, 4)),
    "letterbox": lambda rgb, rng: letterbox(rgb, rng.uniform(0.06, 0.2)),
    "caption": lambda rgb, _: np.concatenate([rgb, np.full_like(rgb[: len(rgb) // 9], 255)]),
}
# The same photo is in the set twice, as one sees.
TWICE = [{"173.jpg", "454.jpg"}, {"18.jpg", "416.jpg"}]


def test_copies_made_of_other_photos(shared_data):
    rng = np.random.default_rng(0)
    paths = sorted((shared_data / "photos128").glob("*/*.jpg"))
    chosen = [paths[i] for i in rng.choice(len(paths), 200, replace=False)]
    gallery, made = Gallery(), defaultdict(list)
    originals = {path: gallery.add(path.name, path.read_bytes()) for path in chosen}
    for number, path in enumerate(chosen[:160]):
        kind = list(COPIES)[number % len(COPIES)]
        copy = gallery.add(path.name, COPIES[kind](decode(path.read_bytes()), rng))
        made[kind].append((originals[path], copy))
    for path, other in zip(chosen[160:], chosen[:40], strict=True):
        rgb = decode(path.read_bytes())
        gallery.add(f"subject {path.name}", other_subject(rgb, decode(other.read_bytes())))

    groups = find(gallery)
    group_of = dict(zip(groups["sha256"], groups["group_id"], strict=True))
    found = {kind: np.mean([group_of.get(a) == group_of.get(b, 0) for a, b in pairs]) for kind, pairs in made.items()}
    assert min(found.values()) >= 0.9, found
    assert np.mean(list(found.values())) >= 0.97, found
    wrong = [names for names in gallery.named(groups) if len(set(names)) > 1 and set(names) not in TWICE]
    assert wrong == []


def test_a_repainted_car_is_another_car(shared_data):
    rng = np.random.default_rng(1)
    paths = sorted((shared_data / "photos128" / "cars").glob("*.jpg"))
    gallery = Gallery()
    for path in (paths[i] for i in rng.choice(len(paths), 40, replace=False)):
        rgb = decode(path.read_bytes())
        gallery.add(f"red {path.name}", painted(rgb, (1.6, 0.6, 0.5)))
        gallery.add(f"blue {path.name}", painted(rgb, (0.5, 0.7, 1.7)))
    assert find(gallery)["group_id"].nunique() <= 2
