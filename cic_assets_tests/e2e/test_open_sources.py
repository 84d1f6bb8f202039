"""A problem of open sources by the stages of `cic run` up to the data set, against a replay with all its traps."""

import json

import pandas as pd
import pytest

from cic_assets.domain.dataset import DatasetError, export_dataset
from cic_assets.domain.sources import is_blank
from cic_assets.web.replay import ReplayServer
from cic_assets_tests.fixtures.open_collections import CONTACT
from cic_assets_tests.fixtures.worlds import World, isolate, picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROBLEM = """
name: open
classes:
  tank: [{commons: "Category:Tanks", depth: 2, width: 960}]
  boat: ["openverse:sailing boat"]
dataset: {side: 72, min_per_class: 5}
features: {enabled: false}
models: {vgg: {width: 0.05, input_size: 32, epochs: 1}, peetz_net: null, xception: null}
"""
TERMS = ("CC BY-SA 4.0", "CC BY 2.0", "CC0", "Public domain")
TANKS, BOATS = 160, 90


@pytest.fixture
def world(tmp_path, commons, monkeypatch):
    isolate(monkeypatch, tmp_path)
    commons.category("Tanks", "Tanks in museums")
    commons.category("Tanks in museums", "Tanks")
    for number in range(TANKS):
        where = ("Tanks", "Tanks in museums")[number % 2]
        commons.add(f"Tank {number}.jpg", picture("tank", number), where, terms=TERMS[number % 4])
    commons.add("Not for sale.jpg", picture("tank", 900), "Tanks", terms="CC BY-NC 2.0")
    commons.add("Gone.jpg", b"", "Tanks", route={"status": 404, "body": "gone"})
    commons.add("Huge.jpg", b"", "Tanks", route={"status": 200, "body": "x" * 21_000_000})
    commons.add("Map.svg", b"", "Tanks", mime="image/svg+xml")
    commons.faults = {"maxlag": 1, "gateway_429": 1, "retry_after": "0", "a_part": 20}
    images = []
    for number in range(BOATS):
        name = f"{number}.jpg"
        (commons.folder / "media" / f"boat{number}.jpg").write_bytes(picture("boat", number))
        route = {"host": "pictures.example", "path": f"/{name}", "file": f"boat{number}.jpg"}
        commons.routes.append(route | ({"fail": [429], "retry_after": "0"} if number == 7 else {}))
        images.append(
            {
                "id": f"00000000-0000-4000-8000-{number:012}", "title": f"Sailing boat {number}",
                "url": f"https://pictures.example/{name}", "creator": f"Sailor {number}", "license": "by",
                "license_version": "2.0", "foreign_landing_url": f"https://pictures.example/page/{number}",
                "attribution": f'"Sailing boat {number}" by Sailor {number} is licensed under CC BY 2.0.',
            }
        )  # fmt: skip
    (commons.folder / "openverse").mkdir()
    (commons.folder / "openverse" / "images.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in images))
    commons.write()
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    world = World(tmp_path, commons)
    world.environment = world.environment.model_copy(update={"contact": CONTACT})
    return world


@pytest.fixture
def fetched(monkeypatch):
    """URLs of pictures that were asked of any replay, of which each step starts its own."""
    urls = []
    leave = ReplayServer.__exit__

    def note(server, *error):
        urls.extend(url for url in server.requests if "/w/api.php" not in url and "api.openverse.org" not in url)
        leave(server, *error)

    monkeypatch.setattr(ReplayServer, "__exit__", note)
    return urls


def test_open_sources_become_a_data_set_that_may_be_passed_on(world, fetched, tmp_path):
    world.run(up_to="build_dataset")
    raw = {key: world.root.read_table("raw_images", key) for key in ("tanks", "sailing-boat")}
    tanks, boats = raw["tanks"], raw["sailing-boat"]
    assert sorted(tanks["post_id"]) == sorted(f"commons-{page}" for page in world.archive.files)
    assert tanks["outcome"].value_counts().to_dict() == {"ok": TANKS, "skipped": 2, "http_error": 1, "too_large": 1}
    assert boats["outcome"].value_counts().to_dict() == {"ok": BOATS}
    pictures = pd.concat([table[table["outcome"] == "ok"] for table in raw.values()])
    assert (pictures[["license", "license_url", "author", "attribution", "source_page", "title"]] != "").all().all()

    export_dataset(world.root, "kaggle", tmp_path / "export")
    named = pd.read_csv(tmp_path / "export" / "ATTRIBUTION.csv")
    assert set(named["author"]) == set(pictures["author"])
    assert len(named) == len(list((tmp_path / "export").glob("*/*/*.jpg"))) == TANKS + BOATS
    assert (tmp_path / "export" / "croissant.json").exists()

    fetched.clear()
    world.run(up_to="build_dataset")
    assert {url for url in fetched if not url.endswith("Gone.jpg")} == set()
    again = {key: world.root.read_table("raw_images", key) for key in raw}
    assert all(again[key].equals(raw[key]) for key in raw)

    gone = tanks.set_index("post_id").loc["commons-1003", "sha256"]
    del world.archive.files[1003]
    world.archive.write()
    world.run(up_to="build_dataset")
    left = world.root.read_table("raw_images", "tanks")
    assert "commons-1003" not in set(left.loc[~is_blank(left), "post_id"])
    assert not world.root.images.has(gone, "jpeg")
    manifest = pd.read_parquet(str(world.root.dataset / "manifest.parquet"))
    assert gone not in set(manifest["sha256"])


def test_what_a_person_lets_in_beyond_sharing_stays_here(world, tmp_path):
    licenses = "licenses: [cc0, public-domain, cc-by, cc-by-sa, cc-by-nc]\n"
    world.environment.problem.write_text(PROBLEM + licenses)
    world.run(up_to="build_dataset")
    with pytest.raises(DatasetError, match=r"^1 picture may not be passed on by their licence \(1 CC-BY-NC-2.0\)"):
        export_dataset(world.root, "imagefolder", tmp_path / "export")
    export_dataset(world.root, "imagefolder", tmp_path / "mine", all_rights=True)
    assert "CC-BY-NC-2.0" in (tmp_path / "mine" / "README.md").read_text()
