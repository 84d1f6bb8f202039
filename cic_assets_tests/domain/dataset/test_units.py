import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.dataset import (
    COPIES,
    SplitSettings,
    assign_splits,
    find_leaks,
    find_units,
    relations_of_pixels,
    relations_of_posts,
)


def raw(*rows):
    """Rows of `raw_images` from (sha256, source, post, what it repeats), of Reddit unless the post is a file."""
    table = pd.DataFrame(rows, columns=["sha256", "subreddit", "post_id", "crosspost_of"])
    return table.assign(
        permalink=["" if "." in post else f"https://www.reddit.com/{post}" for post in table["post_id"]]
    )


def units(table, copies=()):
    return find_units(table["sha256"], {COPIES: copies, **relations_of_posts(table)})


def test_a_gallery_is_one_unit_and_a_picture_alone_is_its_own():
    found = units(raw(("b", "cars", "p1", ""), ("a", "cars", "p1", ""), ("c", "cars", "p2", "")))
    assert found["posts"].to_dict() == {"a": "a", "b": "a", "c": "c"}
    assert found["copies"].to_dict() == {"a": "a", "b": "b", "c": "c"}


def test_a_dropped_copy_joins_two_posts():
    table = raw(
        ("a", "cars", "p1", ""), ("copy", "cars", "p1", ""), ("kept", "cars", "p2", ""), ("d", "cars", "p2", "")
    )
    found = units(table, [("copy", "kept")])
    assert found["crossposts"].nunique() == 1
    assert found["copies"].nunique() == 3


def test_one_file_in_two_posts_joins_them():
    found = units(
        raw(("a", "cars", "p1", ""), ("b", "cars", "p1", ""), ("b", "tanks", "p2", ""), ("c", "tanks", "p2", ""))
    )
    assert found["posts"].nunique() == 1


def test_crossposts_go_with_their_original_and_with_each_other_where_it_is_not_here():
    table = raw(
        ("a", "cars", "p1", ""), ("b", "tanks", "p2", "p1"), ("c", "cars", "p3", "gone"), ("d", "tanks", "p4", "gone")
    )
    found = units(table)
    assert found["posts"].nunique() == 4
    assert found["crossposts"].to_dict() == {"a": "a", "b": "a", "c": "c", "d": "c"}


def test_files_of_one_name_in_two_folders_are_two_things_and_one_post_in_two_sources_is_one():
    table = raw(("a", "x", "1.jpg", ""), ("b", "y", "1.jpg", ""), ("c", "cars", "p1", ""), ("d", "dump", "p1", ""))
    assert units(table)["posts"].to_dict() == {"a": "a", "b": "b", "c": "c", "d": "c"}


def test_files_of_one_name_in_two_data_sets_of_kaggle_are_two_things():
    table = raw(("a", "cars", "1.jpg", ""), ("b", "tanks", "1.jpg", ""))
    table["permalink"] = "https://www.kaggle.com/datasets/somebody/cars-and-tanks"
    assert units(table)["posts"].to_dict() == {"a": "a", "b": "b"}


def test_equal_pixels_are_one_unit_and_no_leak_whatever_a_person_calls_different():
    names = [f"{number:02}" for number in range(80)]
    table = pd.DataFrame({"sha256": names, "group_id": names, "klass": "car"})
    table["pixels_sha256"] = [name[0] if name < "20" else "" for name in names]  # one that is not known is none
    table["resized_sha256"] = [names[number // 2] for number in range(80)]
    found = find_units(names, {COPIES: [], **relations_of_pixels(table)})
    assert found["pixels"].nunique() == 2 + 30
    table["unit_id"] = table["sha256"].map(found["pixels"])
    table["split"] = assign_splits(table, {}, {}, SplitSettings())
    assert table["split"].nunique() == 3
    assert find_leaks(table).empty


SHA = st.sampled_from("abcdefgh")


@given(
    st.lists(st.tuples(SHA, st.just("cars"), st.sampled_from("pqrs"), st.sampled_from(["", "p", "q"]))),
    st.lists(st.tuples(SHA, SHA)),
)
def test_each_relation_only_joins_and_names_are_members(rows, copies):
    table = raw(*rows)
    found = units(table, copies)
    assert list(found.index) == sorted(set(table["sha256"]))
    for coarse, fine in zip(found.columns[1:], found.columns[:-1], strict=True):
        assert (found.groupby(fine)[coarse].nunique() == 1).all()
    last = found["crossposts"]
    assert all(last[name] == name == min(last.index[last == name]) for name in set(last))
    shuffled = units(table.sample(frac=1, random_state=1), copies[::-1])
    pd.testing.assert_frame_equal(found, shuffled)
