import numpy as np
import pandas as pd
import pytest

from cic_assets.domain import features
from cic_assets.domain.models import read_card
from cic_assets.domain.takedowns import forget_meanwhile, purge
from cic_assets.storage import FolderLock
from cic_assets_tests.fixtures.models import lay_out_model


def test_a_group_is_called_by_one_that_stays(place, archive, jpeg):
    for number in (1, 2, 3):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    gone, heir, other = (place.sha(f"p{number}") for number in (1, 2, 3))
    groups = pd.DataFrame({"sha256": [gone, heir, other], "subreddit": "cars", "group_id": [gone, gone, other]})
    groups["verified_against"] = groups["group_id"]
    place.root.write_table("duplicates", groups)
    place.root.write_table("resized_images", groups[1:], "cars")
    purge(place.root, ["p1"])
    expected = {heir: heir, other: other}
    for table in (place.root.read_table("duplicates"), place.root.read_table("resized_images", "cars")):
        assert table.set_index("sha256")["group_id"].to_dict() == expected
    assert gone.encode() not in place.everything()


@pytest.mark.parametrize("table", [features.TABLE, features.UNFINISHED])
def test_features_go_with_their_picture_whole_or_not(place, archive, jpeg, table):
    for number in (1, 2):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    names = [place.sha(f"p{number}") for number in (1, 2)]
    numbers = [np.full(2048, 100 + number, np.float16).tobytes() for number in (1, 2)]
    rows = pd.DataFrame({"sha256": names, "resized_sha256": names, "features_version": "1", "features": numbers})
    place.root.write_table(table, rows, "cars")
    purge(place.root, ["p1"])
    left = place.root.read_table(table, "cars")
    assert list(left["features"]) == numbers[1:]
    assert names[0].encode() not in place.everything()


def test_a_model_that_was_at_its_training_is_marked_and_what_the_training_left_goes(place, archive, jpeg):
    for number in range(4):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    folder = lay_out_model(place.folder / "models" / "vgg", [place.sha(f"p{number}") for number in range(4)])
    scratch = place.folder / "scratch" / "vgg"
    scratch.mkdir(parents=True)
    forget_meanwhile(place.root, "vgg")
    assert read_card(folder).takedowns is None
    assert scratch.exists()
    seen = place.sha("p1")
    (folder / "pictures.parquet").rename(folder / "kept")  # the training ends after the purge
    purge(place.root, ["p1"])
    (folder / "kept").rename(folder / "pictures.parquet")
    scratch.mkdir(parents=True, exist_ok=True)
    forget_meanwhile(place.root, "vgg")
    assert read_card(folder).takedowns.count == 1
    assert seen.encode() not in (folder / "pictures.parquet").read_bytes()
    assert not scratch.exists()


def test_what_a_training_is_at_work_with_stays_until_it_ends(place, archive, jpeg):
    for number in range(3):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    lay_out_model(place.folder / "models" / "vgg", [place.sha(f"p{number}") for number in range(3)])
    busy, idle, journals = (place.folder / "scratch" / name for name in ("vgg", "xception", "scraping"))
    for folder in (busy, idle, journals):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kept").touch()
    with FolderLock(busy).held():
        purge(place.root, ["p1"])
    assert [(folder / "kept").exists() for folder in (busy, idle, journals)] == [True, False, True]
