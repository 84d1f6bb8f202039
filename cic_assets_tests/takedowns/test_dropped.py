import pytest

from cic_assets.takedowns import PurgeError, dropped_sources, purge, remove_source


@pytest.fixture
def filled(place, archive, jpeg, tmp_path):
    """A subreddit, and a folder with a picture of its own and one that the subreddit has too."""
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(2))
    place.scrape()
    boats = tmp_path / "boats"
    boats.mkdir()
    for number in (2, 3):
        (boats / f"{number}.jpg").write_bytes(jpeg(number))
    place.boats = f"folder:{boats}"
    place.scrape("boats", place.boats)
    return place


def test_a_source_that_the_problem_names_no_more_is_found(filled):
    assert dropped_sources(filled.root, {"cars", "boats", "tanks"}) == []
    (left,) = dropped_sources(filled.root, {"cars", "tanks"})
    assert (left.key, left.pictures, left.kept) == ("boats", 1, 1)


def test_what_it_alone_has_goes_and_the_rest_stays(filled, jpeg):
    cars = filled.root.table_path("raw_images", "cars").read_bytes()
    done = remove_source(filled.root, "boats")
    assert (done.pictures, done.kept) == (1, 1)
    assert filled.root.table_partitions("raw_images") == ["cars"]
    assert filled.root.table_path("raw_images", "cars").read_bytes() == cars
    assert jpeg(3) not in filled.everything()
    assert b"3.jpg" not in filled.everything()
    assert filled.pictures() == {filled.sha("one"), filled.sha("two")}
    assert dropped_sources(filled.root, {"cars"}) == []


def test_it_comes_back_but_for_what_was_taken_down(filled):
    purge(filled.root, ["3.jpg"])
    remove_source(filled.root, "boats")
    assert filled.scrape("boats", filled.boats).outcomes == {"ok": 1, "skipped": 1}


def test_posts_that_another_source_lists_too_stay_in_its_tables(filled):
    filled.scrape("best", "r/cars")
    raw = filled.root.read_table("raw_images", "cars")
    for key in ("cars", "best"):
        filled.root.write_table("image_hashes", raw, key)
    remove_source(filled.root, "best")
    for name in ("raw_images", "image_hashes"):
        assert "best" not in filled.root.table_partitions(name)
        assert filled.root.read_table(name, "cars").equals(raw)
    assert len(filled.pictures()) == 3


def test_an_interrupted_removal_is_ended_by_the_same_call(filled, monkeypatch, jpeg):
    filled.root.write_table("image_hashes", filled.root.read_table("raw_images", "boats"), "boats")
    remove = type(filled.root).remove_table

    def stop(*args):
        remove(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(filled.root), "remove_table", stop)
        with pytest.raises(KeyboardInterrupt):
            remove_source(filled.root, "boats")
    assert remove_source(filled.root, "boats").pictures == 1
    assert jpeg(3) not in filled.everything()
    assert filled.root.table_partitions("raw_images") == ["cars"]


def test_one_that_is_not_there_changes_nothing(filled):
    with pytest.raises(PurgeError, match="source 'nowhere' is not there: expected one of boats, cars"):
        remove_source(filled.root, "nowhere")
    assert len(filled.pictures()) == 3
