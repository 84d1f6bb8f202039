import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.download import Download
from cic_assets.domain.duplicates import UNFINISHED_VERDICTS, VERDICTS, DuplicateSettings
from cic_assets.domain.duplicates.verdicts import Verdicts, short_ids
from cic_assets.domain.features import NEAREST, find_scenes
from cic_assets.domain.images import ImageLimits
from cic_assets.domain.media import Outcome
from cic_assets.domain.prediction import add_review
from cic_assets.domain.sources import kaggle
from cic_assets.domain.sources.journal import Journal
from cic_assets.domain.takedowns import PurgeError, purge, purge_missing
from cic_assets.storage import sha256_hex

from .conftest import Killed


@pytest.fixture
def filled(place, archive, jpeg, tmp_path):
    """A subreddit, and a folder with two pictures."""
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(2))
    place.scrape()
    place.scrape_boats(tmp_path / "boats", {f"{number}.jpg": jpeg(number) for number in (3, 4)})
    return place


def snapshot(place):
    return {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}


def test_a_post_goes_and_stays_away(filled, archive):
    sha256 = filled.sha("one")
    done = purge(filled.root, ["one"])
    assert (done.posts, done.pictures, done.kept) == (1, 1, 0)
    assert sha256 not in filled.pictures()
    assert b"post one" not in filled.everything()
    assert sha256.encode() not in filled.everything()
    assert filled.check().returned == 0
    assert filled.scrape().outcomes == {"ok": 1, "skipped": 1}
    assert filled.fetched == []


def test_a_file_of_a_folder_goes_and_stays_away(filled, jpeg):
    purge(filled.root, ["3.jpg"])
    assert len(filled.pictures()) == 3
    assert jpeg(3) not in filled.everything()
    assert filled.scrape("boats", filled.boats).outcomes == {"ok": 1, "skipped": 1}
    assert len(filled.pictures()) == 3


def test_several_at_once(filled):
    assert purge(filled.root, ["one", "two", "4.jpg"]).pictures == 3
    assert len(filled.pictures()) == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"posts": ["nobody"]}, "post 'nobody' is in no table of boats, cars: nothing was changed"),
        ({"posts": ["one", "nobody"]}, "post 'nobody' is in no table"),
        ({"posts": ["one"], "sha256s": ["0" * 64]}, "picture '0000.*' is in no table"),
        ({"posts": ["one"], "source": "boats"}, "post 'one' is in no table of boats"),
        ({"posts": ["one"], "source": "nowhere"}, "source 'nowhere' is not there: expected one of boats, cars"),
    ],
)
def test_what_is_not_there_is_said_and_changes_nothing(filled, names, message):
    before = snapshot(filled)
    with pytest.raises(PurgeError, match=message):
        purge(filled.root, **names)
    assert snapshot(filled) == before


def test_nothing_was_scraped_yet(place):
    with pytest.raises(PurgeError, match="nothing was scraped here"):
        purge(place.root, ["one"])


def test_one_name_of_different_things_asks_which(filled, tmp_path, jpeg):
    other = tmp_path / "other"
    other.mkdir()
    (other / "3.jpg").write_bytes(jpeg(30))
    filled.scrape("other", f"folder:{other}")
    before = snapshot(filled)
    with pytest.raises(PurgeError, match="different things in boats, other: say by --source"):
        purge(filled.root, ["3.jpg"])
    assert snapshot(filled) == before
    assert purge(filled.root, ["3.jpg"], source="other").pictures == 1
    assert jpeg(3) in filled.everything()
    assert jpeg(30) not in filled.everything()


def test_files_of_one_name_of_two_data_sets_of_kaggle_are_different_things(place, jpeg, tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle, "_fetched", lambda _address, _on_progress: tmp_path)  # what kagglehub would fetch
    for key, seed in (("cars", 1), ("tanks", 2)):
        (tmp_path / key).mkdir()
        (tmp_path / key / "0.jpg").write_bytes(jpeg(seed))
        place.scrape(key, f"kaggle:somebody/pictures/{key}")
    with pytest.raises(PurgeError, match="different things in cars, tanks: say by --source"):
        purge(place.root, ["0.jpg"])
    purge(place.root, ["0.jpg"], source="cars")
    place.check("tanks", ask=False)
    assert place.scrape("cars", "kaggle:somebody/pictures/cars").outcomes == {"skipped": 1}
    assert place.scrape("tanks", "kaggle:somebody/pictures/tanks").outcomes == {"ok": 1}


def test_a_picture_that_another_post_has_too_stays(filled, archive, jpeg):
    archive.add("copy", jpeg(1))
    filled.scrape()
    done = purge(filled.root, ["one"])
    assert (done.pictures, done.kept) == (0, 1)
    assert filled.raw().loc["copy", "outcome"] == "ok"


def test_a_purged_picture_goes_from_all_posts_and_is_refused_under_new_ones(filled, archive, jpeg, tmp_path):
    archive.add("copy", jpeg(1))
    filled.scrape()
    sha256 = filled.sha("one")
    done = purge(filled.root, sha256s=[sha256])
    assert (done.posts, done.pictures) == (2, 1)
    assert sha256 not in filled.pictures()
    archive.add("again", jpeg(1))
    filled.scrape()
    assert filled.raw().loc["again", "outcome"] == "placeholder"
    boats = tmp_path / "boats"
    (boats / "again.jpg").write_bytes(jpeg(1))
    filled.scrape("boats", filled.boats)
    assert filled.raw("boats").loc["again.jpg", "outcome"] == "placeholder"
    assert sha256 not in filled.pictures()


def test_a_picture_that_no_table_names_goes_too(filled, jpeg):
    """A folder's scrape that was killed leaves such."""
    stray = filled.root.images.put(jpeg(50), "jpeg")
    before = filled.pictures()
    with pytest.raises(PurgeError, match="nothing was changed"):
        purge(filled.root, sha256s=[stray], source="cars")
    with pytest.raises(PurgeError, match="nothing was changed"):
        purge(filled.root, sha256s=[stray, "0" * 64])
    assert filled.pictures() == before
    done = purge(filled.root, sha256s=[stray])
    assert (done.posts, done.pictures, done.kept) == (0, 1, 0)
    assert filled.pictures() == before - {stray}
    again = purge(filled.root, sha256s=[stray])
    assert (again.posts, again.kept) == (0, 0)


def test_pictures_that_a_killed_scrape_fetched_go_and_stay_away(filled, archive, jpeg):
    fetched = {sha256_hex(jpeg(number)): f"new{number}" for number in (51, 52)}
    for number in (51, 52):
        archive.add(f"new{number}", jpeg(number))
    filled.killed_scrape()
    assert purge(filled.root, sha256s=list(fetched)).pictures == 2
    assert b"/new51.jpg" not in filled.everything()
    filled.scrape()
    assert filled.pictures().isdisjoint(fetched)
    assert set(filled.raw().loc[list(fetched.values()), "outcome"]) == {"placeholder"}


def test_doing_it_again_changes_nothing(filled):
    purge(filled.root, ["one"], [filled.sha("two")])
    before = snapshot(filled)
    again = purge(filled.root, ["one"])
    assert (again.posts, again.pictures) == (1, 0)
    assert snapshot(filled) == before


def test_what_a_killed_scrape_wrote_down_goes_too(filled, archive, jpeg):
    archive.add("three", jpeg(9))
    journal = Journal(filled.root, "cars", "archive", "limits")
    with journal.open() as write_down:
        for post_id in ("one", "three"):
            write_down(Download(url=f"http://i.redd.it/{post_id}.jpg", outcome=Outcome.TOO_SMALL))
    purge(filled.root, ["one"])
    assert b"one.jpg" not in filled.everything()
    assert list(journal.settled()) == ["http://i.redd.it/three.jpg"]


def test_what_a_scrape_fetched_after_the_purge_and_was_killed_goes_when_it_is_done_again(filled, archive, jpeg):
    archive.add("late", status=503)
    filled.scrape()
    (archive.folder / "media" / "late.jpg").write_bytes(jpeg(9))
    archive.routes[-1] = {"host": "i.redd.it", "path": "/late.jpg", "file": "late.jpg"}
    archive.write()
    filled.killed_scrape(meanwhile=lambda: purge(filled.root, ["late"]))
    assert sha256_hex(jpeg(9)) in filled.pictures()
    purge(filled.root, ["late"])
    assert sha256_hex(jpeg(9)) not in filled.pictures()
    assert b"late.jpg" not in filled.everything()


def test_a_picture_that_is_kept_and_not_used_goes_for_good(place, archive, jpeg):
    archive.add("small", jpeg(1))
    place.scrape()
    sha256 = place.sha("small")
    place.scrape(limits=ImageLimits(min_side=5000))
    assert place.raw().loc["small", "outcome"] == "too_small"
    assert purge(place.root, sha256s=[sha256]).pictures == 1
    assert place.pictures() == set()
    place.scrape()
    assert place.raw().loc["small", "outcome"] != "ok"


def test_what_was_missing_and_half_purged_is_ended_by_the_same_call(place, archive, jpeg, power_cut):
    archive.add("lost", jpeg(1))
    archive.add("stays", jpeg(2))
    place.scrape()
    archive.remove("lost")
    place.check()
    power_cut.left = 1
    with pytest.raises(Killed):
        purge_missing(place.root, "cars")
    power_cut.left = 1_000_000
    assert purge_missing(place.root, "cars").pictures == 1
    assert place.pictures() == {place.sha("stays")}


@pytest.mark.parametrize("with_consent", [False, True])
def test_a_picture_that_a_person_reviewed_goes_with_what_was_said(filled, jpeg, with_consent):
    sha256 = sha256_hex(jpeg(60))
    said = {"sha256": sha256, "label": "car", "probability": 0.9, "model": "vgg", "model_sha256": "", "truth": ""}
    for one in (sha256, sha256_hex(jpeg(61))):
        picture = jpeg(60) if with_consent and one == sha256 else None
        add_review(filled.root, picture, **{**said, "sha256": one, "reviewed_at": ""})
    assert (sha256 in filled.pictures()) is with_consent
    purge(filled.root, sha256s=[sha256])
    assert sha256 not in filled.pictures()
    assert sha256.encode() not in filled.everything()
    assert list(filled.root.read_table("reviews")["sha256"]) == [sha256_hex(jpeg(61))]


def test_reviews_of_a_post_that_goes_go_with_it(filled, archive):
    sha256 = filled.sha("one")
    said = {"sha256": sha256, "label": "car", "probability": 0.9, "model": "vgg", "model_sha256": "", "truth": ""}
    add_review(filled.root, **said, reviewed_at="")
    purge(filled.root, ["one"])
    assert len(filled.root.read_table("reviews")) == 0


def test_what_was_near_to_a_picture_that_goes_is_looked_for_anew(filled):
    goes = filled.sha("one")
    sha256s = sorted([goes, *(f"{number << 200:064x}" for number in range(5, 25))])
    features = np.random.default_rng(0).random((len(sha256s), 8)).astype(np.float16)
    table = pd.DataFrame({"sha256": sha256s, "features": [one.tobytes() for one in features]})
    grey = np.full((64, 64, 3), 90, np.uint8)
    filled.root.write_table(NEAREST, find_scenes(table, lambda _name: grey).compared)
    purge(filled.root, ["one"])
    left = filled.root.read_table(NEAREST)
    assert 0 < len(left) < 10 * len(sha256s)
    assert not left[["one", "other"]].isin(short_ids([goes])).any().any()
    rest = table[table["sha256"] != goes]
    again = find_scenes(rest, lambda _name: grey, left).compared
    pd.testing.assert_frame_equal(again, find_scenes(rest, lambda _name: grey).compared, rtol=1e-6)


@pytest.mark.parametrize("name", [VERDICTS, UNFINISHED_VERDICTS])
def test_what_was_compared_with_a_picture_that_goes_is_forgotten(filled, name):
    sha256s = [filled.sha("one"), *(f"{number << 200:064x}" for number in (5, 6))]
    verdicts = Verdicts(sha256s, DuplicateSettings())
    for one, other in ((0, 1), (0, 2), (1, 2)):
        verdicts.add(one, other, None)
    filled.root.write_table(name, verdicts.table())
    purge(filled.root, ["one"])
    left = filled.root.read_table(name)
    assert sorted(left[["one", "other"]].to_numpy().ravel()) == sorted(short_ids(sha256s[1:]))
    # What is left is taken over: the rules that it was compared by are remembered.
    assert len(Verdicts(sha256s, DuplicateSettings(), [left]).table()) == 1
