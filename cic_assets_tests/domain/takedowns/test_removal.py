import json
import threading
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain import audit, features
from cic_assets.domain.champions import PromotionSettings, promote_trained
from cic_assets.domain.dataset import forget_pictures
from cic_assets.domain.models import (
    admit,
    change_champion,
    deciding,
    read_card,
    seen_pictures,
    trained_folder,
    versions_of,
)
from cic_assets.domain.sheets import write_sheet
from cic_assets.domain.takedowns import forget_meanwhile, purge, removal
from cic_assets.storage import DataRoot, FolderLock, write_atomically
from cic_assets_tests.fixtures.models import lay_out_model
from cic_assets_tests.fixtures.versions import decision, lay_out_training

from .conftest import NOON, Killed


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


def narrowed(place, archive, jpeg):
    """A source that got a flair, and so another name; its earlier table is one that the problem names no more."""
    for number in (1, 2):
        archive.add(f"p{number}", jpeg(number))
        archive.change(f"p{number}", link_flair_text="Classic")
    place.scrape("cars")
    place.scrape("cars-classic", "r/cars|flair=Classic")
    gone = place.sha("p1")
    archive.change("p1", removed_by_category="deleted")
    return gone


def assert_forgotten(place, gone):
    assert place.pictures() == {place.sha("p2"), place.sha("p2", "cars-classic")}
    assert gone.encode() not in place.everything()
    assert "p1" not in set(place.root.read_table("posts", "cars")["post_id"])
    row = place.raw("cars").loc["p1"]
    assert (row["reason"], row["media_url"], row["title"]) == ("taken down: deleted by its author", "", "")
    assert len(place.root.read_table("takedowns", "cars")) == 1


def test_a_post_goes_also_from_a_table_that_the_problem_names_no_more(place, archive, jpeg):
    gone = narrowed(place, archive, jpeg)
    place.check("cars-classic")
    assert_forgotten(place, gone)


def test_a_crosspost_goes_with_its_original_from_such_a_table_too(place, archive, jpeg):
    archive.add("p1", jpeg(1))
    archive.add("again", jpeg(1))
    original = next(post for post in archive.posts["cars"] if post["id"] == "p1")
    archive.change("again", crosspost_parent="t3_p1", crosspost_parent_list=[original])
    place.scrape("old", "r/cars")
    archive.remove("again")
    place.scrape("cars")
    archive.change("p1", removed_by_category="deleted")
    place.check("cars")
    assert place.pictures() == set()
    assert set(place.raw("old")["reason"]) == {"taken down: deleted by its author"}


def test_a_power_cut_leaves_nothing_in_such_a_table_either(place, archive, jpeg, power_cut):
    gone = narrowed(place, archive, jpeg)
    # Reddit made the picture anew in between: each table knows it by another name.
    table = place.root.read_table("raw_images", "cars")
    other = place.root.images.put(jpeg(7), "jpeg")
    place.root.write_table("raw_images", table.assign(sha256=table["sha256"].replace(gone, other)), "cars")
    for cuts in range(60):
        power_cut.left = cuts
        try:
            place.check("cars-classic", now=NOON + timedelta(hours=cuts))
        except Killed:
            continue
        break
    power_cut.left = 10**6
    assert_forgotten(place, gone)
    assert other.encode() not in place.everything()


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


def test_the_audit_forgets_a_picture_and_the_unit_that_it_gave_its_name_to(place, archive, jpeg):
    for number in (1, 2, 3):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    gone, of_unit, other = (place.sha(f"p{number}") for number in (1, 2, 3))
    rows = pd.DataFrame({"sha256": [gone, of_unit, other], "unit_id": [gone, gone, other], "subreddit": "cars"})
    place.root.write_table(audit.TABLE, rows)
    place.root.write_table("duplicates", rows.head(0).assign(group_id="", verified_against=""))
    write_sheet(place.root, "dataset_audit_off_topic", None, b"jpeg", {gone, other})
    purge(place.root, ["p1"])
    assert list(place.root.read_table(audit.TABLE)["sha256"]) == [other]
    assert not place.root.sheet_path("dataset_audit_off_topic").exists()
    assert gone.encode() not in place.everything()


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


def test_checkpoints_in_a_bucket_go_and_what_was_asked_stays(tmp_path):
    root = DataRoot(f"memory://{tmp_path}")
    for name in ("vgg/state.json", "vgg/latest-2.npz", "asked-cars.json"):
        write_atomically(root.scratch / name, b"1")
    removal._remove_scratch(root)
    assert [path.name for path in root.scratch.rglob("*") if path.is_file()] == ["asked-cars.json"]


def test_who_waits_for_a_decision_about_a_model_is_told(place, archive, jpeg):
    for number in range(4):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    lay_out_model(place.folder / "models" / "vgg", [place.sha(f"p{number}") for number in range(4)])
    decides, told, waits = threading.Event(), [], threading.Event()

    def decide():
        with deciding(place.root, "vgg"):
            decides.set()
            waits.wait(60)

    def tell(line):
        told.append(line)
        if line.startswith("Waiting"):
            waits.set()

    thread = threading.Thread(target=decide)
    thread.start()
    decides.wait(60)
    purge(place.root, ["p0"], on_progress=tell)
    thread.join()
    assert [line for line in told if "models/vgg" in line and line.startswith("Waiting for ")]


def test_every_version_of_a_model_forgets(place, archive, jpeg):
    for number in range(4):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    model = UPath(place.folder / "models" / "vgg")
    beside = model / "versions" / "2026-01-01-00000001"
    versions = [model, beside, trained_folder(model)]
    for folder in versions:
        lay_out_model(folder, [place.sha(f"p{number}") for number in range(4)])
    half = lay_out_model(model / "versions" / "half", [place.sha("p1"), place.sha("p2"), place.sha("p3")])
    (half / "card.json").unlink()
    edit = json.loads((beside / "card.json").read_text())
    (beside / "card.json").write_text(json.dumps(edit | {"sha256": "1" * 64}))
    gone = place.sha("p1")
    assert gone in seen_pictures(beside)
    purge(place.root, ["p1"])
    assert [read_card(folder).takedowns.count for folder in versions] == [1, 1, 1]
    assert not half.exists()
    assert gone.encode() not in b"".join(path.read_bytes() for path in model.rglob("*") if path.is_file())
    assert {one.card.takedowns.count for one in versions_of(model)} == {1}


@pytest.fixture
def champions(place, archive, jpeg):
    """Two versions that have seen all pictures; the first of them answers."""
    for number in range(4):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    place.model = place.root.model("vgg")
    place.versions = []
    for number in range(2):
        lay_out_training(place.model, number)
        pictures = pd.DataFrame({"sha256": [place.sha(f"p{each}") for each in range(4)], "split": "train"})
        pictures.to_parquet(trained_folder(place.model) / "pictures.parquet")
        place.versions.append(admit(place.model).id)
    change_champion(place.model, decision(place.versions[0]))
    return place


def all_forgot(place, gone):
    assert gone.encode() not in place.everything()
    assert [one.card.takedowns.count for one in versions_of(place.model)] == [1, 1]


def test_a_version_that_moved_since_a_take_down_began_forgets_too(champions, monkeypatch):
    def meanwhile(*given):
        change_champion(champions.model, decision(champions.versions[1], champions.versions[0]))
        return forget_pictures(*given)

    monkeypatch.setattr("cic_assets.domain.takedowns.removal.forget_pictures", meanwhile)
    gone = champions.sha("p1")
    purge(champions.root, ["p1"])
    all_forgot(champions, gone)


def test_a_take_down_waits_for_who_decides_which_version_answers(champions):
    gone, takes_down = champions.sha("p1"), threading.Thread(target=purge, args=(champions.root, ["p1"]))
    with deciding(champions.root, "vgg"):
        takes_down.start()
        takes_down.join(1)
        assert takes_down.is_alive()
        change_champion(champions.model, decision(champions.versions[1], champions.versions[0]))
    takes_down.join()
    all_forgot(champions, gone)


@pytest.mark.parametrize("damaged", ["card.json", "champion.json"])
def test_what_this_program_cannot_read_keeps_no_picture_and_no_training_from_its_end(champions, damaged):
    (champions.model / damaged).write_text('{"of": "another time"}')
    gone = champions.sha("p1")
    purge(champions.root, ["p1"])
    assert gone.encode() not in champions.everything()
    lay_out_training(champions.model, 2)  # on pictures that no source names
    forget_meanwhile(champions.root, "vgg")
    new, made = promote_trained(champions.root, "vgg", PromotionSettings())
    assert made.promoted
    assert read_card(champions.model).version == new.id


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
