"""What a person decided about classes, laid over the pictures before they are divided."""

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.dataset import (
    DatasetError,
    SplitBy,
    SplitSettings,
    count_relabelled,
    lay_over,
    load_info,
    load_manifest,
    load_split,
)
from cic_assets.domain.overrides import LabelDecisions, OverridesError
from cic_assets.storage import DataRoot

from .conftest import SETTINGS, build, keep

GROUPS = pd.DataFrame(
    [("b" * 64, "a" * 64), ("a" * 64, "a" * 64), ("d" * 64, "c" * 64), ("c" * 64, "c" * 64)],
    columns=["sha256", "group_id"],
)
"""B is a copy of A, which is kept; C and D are one picture under two classes."""


@pytest.fixture
def pictures():
    rows = [("a", "cars", "car", False), ("c", "tanks", "tank", True), ("e", "cars", "car", False)]
    table = pd.DataFrame(rows, columns=["sha256", "subreddit", "klass", "label_conflict"])
    table["sha256"] = table["sha256"] * 64
    return table.assign(group_id=table["sha256"])


def laid(pictures, labels=None, leave_out=()):
    decisions = LabelDecisions(tuple((labels or {}).items()), tuple(leave_out))
    found = lay_over(pictures, GROUPS, decisions)
    in_set = found.pictures[found.pictures["is_in_set"]]
    return found, {row["sha256"][0]: row["klass"] for row in in_set.to_dict("records")}


def test_without_decisions_the_sources_say_the_class_and_what_is_in_two_classes_waits(pictures):
    found, classes = laid(pictures)
    assert classes == {"a": "car", "e": "car"}
    assert not found.pictures["by_hand"].any()
    assert found.pictures["klass_given"].tolist() == ["car", "tank", "car"]
    assert (found.left_out, found.waiting, found.unknown) == ({}, 1, 0)
    assert "label_conflict" not in found.pictures


def test_a_word_about_a_copy_is_one_about_what_is_kept(pictures):
    found, classes = laid(pictures, {"b" * 8: "tank"})
    assert classes == {"a": "tank", "e": "car"}
    a = found.pictures.iloc[0]
    assert (a["klass_given"], a["by_hand"]) == ("car", True)
    assert count_relabelled(found.pictures) == {"cars": 1}


@pytest.mark.parametrize("named", ["c", "d"])
@pytest.mark.parametrize("klass", ["car", "tank"])
def test_a_label_settles_what_is_in_two_classes(pictures, named, klass):
    found, classes = laid(pictures, {named * 64: klass})
    assert classes == {"a": "car", "c": klass, "e": "car"}
    assert found.waiting == 0
    assert count_relabelled(found.pictures) == ({"tanks": 1} if klass == "car" else {})


def test_a_confirmed_class_is_known_to_be_by_hand(pictures):
    found, _ = laid(pictures, {"e" * 64: "car"})
    assert found.pictures["by_hand"].tolist() == [False, False, True]
    assert count_relabelled(found.pictures) == {}


def test_what_is_left_out_is_counted_by_source_and_what_waited_is_not_counted_twice(pictures):
    found, classes = laid(pictures, leave_out=["b" * 64, "d" * 64, "f" * 64])
    assert classes == {"e": "car"}
    assert (found.left_out, found.waiting, found.unknown) == ({"cars": 1}, 0, 1)


def test_contradicting_copies_are_refused(pictures):
    with pytest.raises(OverridesError, match="copies of one picture"):
        laid(pictures, {"a" * 64: "car"}, ["b" * 64])


def test_tables_of_before_have_nothing_in_doubt(pictures):
    found, classes = laid(pictures.drop(columns="label_conflict"))
    assert classes == {"a": "car", "c": "tank", "e": "car"}
    assert found.waiting == 0


def test_nothing_is_changed_in_what_it_is_laid_over(pictures):
    before = pictures.copy()
    laid(pictures, {"a" * 64: "tank"}, ["e" * 64])
    pd.testing.assert_frame_equal(pictures, before)


def test_a_decision_holds_for_a_copy_that_alone_is_left():
    both = pd.DataFrame({"sha256": ["a" * 64, "b" * 64], "group_id": "a" * 64})
    table = pd.DataFrame([("a" * 64, "a" * 64, "cars", "car")], columns=["sha256", "group_id", "subreddit", "klass"])
    other = table.assign(sha256="b" * 64, group_id="b" * 64, subreddit="vans")
    decisions = LabelDecisions(labels=(("a" * 8, "tank"),))
    copies = lay_over(table, both, decisions).copies
    assert copies["sha256"].tolist() == ["a" * 64, "b" * 64]
    assert not copies["decision"].str.contains("a" * 8).any()
    # The picture is taken down, and with it its row; the copy takes its place, once and again.
    left = copies[copies["sha256"] != "a" * 64]
    for _ in range(2):
        found = lay_over(other, both.head(0), decisions, left)
        assert found.pictures["klass"].tolist() == ["tank"]
        assert found.unknown == 0
        left = found.copies
    # What is said of the copy itself goes before; a decision that is taken back is forgotten.
    found = lay_over(other, both.head(0), LabelDecisions(decisions.labels, ("b" * 64,)), left)
    assert not found.pictures["is_in_set"].any()
    assert found.left_out == {"vans": 1}
    assert lay_over(other, both.head(0), LabelDecisions(), left).copies.empty
    # The picture is back, and is no copy any more: somebody said that they differ.
    apart = pd.concat([table, other])
    found = lay_over(apart, both.head(0), decisions, left)
    assert found.pictures["klass"].tolist() == ["tank", "car"]
    assert found.copies["sha256"].tolist() == ["a" * 64]


def decide(root, table, settings=SETTINGS, **decided):
    labels = LabelDecisions(tuple(decided.get("labels", {}).items()), tuple(decided.get("leave_out", ())))
    found = lay_over(table, table[["sha256", "group_id"]], labels)
    info = build(root, found.pictures, settings, left_out=found.left_out)
    return info, load_manifest(root.dataset).set_index("sha256")


@pytest.mark.parametrize("by", SplitBy)
def test_decisions_move_nothing_and_can_be_taken_back(root, by):
    settings = SETTINGS.model_copy(update={"splits": SplitSettings(by=by)})
    table = keep(root)
    plain, before = decide(root, table, settings)
    cars = table.loc[table["klass"] == "car", "sha256"].tolist()
    info, after = decide(root, table, settings, labels={cars[0]: "tank", cars[1]: "car"}, leave_out=cars[2:4])
    assert info.version != plain.version
    assert (info.relabelled, info.left_out) == ({"cars": 1}, {"cars": 2})
    assert (plain.relabelled, plain.left_out) == ({}, {})
    assert after.loc[cars[0], ["klass", "klass_given", "label"]].tolist() == ["tank", "car", 1]
    assert set(before.index) - set(after.index) == set(cars[2:4])
    assert after["split"].equals(before["split"].reindex(after.index))
    row = after.loc[cars[0]]
    assert load_split(root.dataset, row["split"]).labels[row["row"]] == 1
    assert "is_in_set" not in after
    again, taken_back = decide(root, table, settings)
    assert again == plain == load_info(root.dataset)
    pd.testing.assert_frame_equal(taken_back, before)


@pytest.mark.parametrize("by", SplitBy)
def test_who_decides_before_the_first_data_set_gets_the_same_splits(tmp_path, by):
    settings = SETTINGS.model_copy(update={"splits": SplitSettings(by=by)})
    early, late = (DataRoot(str(tmp_path / name)) for name in ("early", "late"))
    table = keep(early)
    cars = table.loc[table["klass"] == "car", "sha256"].tolist()
    _, first = decide(early, table, settings, labels=dict.fromkeys(cars[:9], "tank"), leave_out=cars[9:12])
    _, second = decide(late, keep(late), settings)
    assert first["split"].equals(second["split"].reindex(first.index))


def test_a_confirmed_class_is_no_other_data_set(root):
    table = keep(root)
    plain, _ = decide(root, table)
    mapped = np.load(str(root.dataset / "train.npy"), mmap_mode="r")
    info, manifest = decide(root, table, labels={table["sha256"][0]: table["klass"][0]})
    assert info == plain
    assert manifest["by_hand"].sum() == 1
    np.testing.assert_array_equal(mapped, np.load(str(root.dataset / "train.npy")))


def test_a_class_that_loses_all_pictures_is_named(root):
    table = keep(root)
    cars = table.loc[table["klass"] == "car", "sha256"]
    for decided in ({"labels": dict.fromkeys(cars, "tank")}, {"leave_out": list(cars)}):
        with pytest.raises(DatasetError, match="class car has 0 pictures, at least 10 are needed"):
            decide(root, table, **decided)


def test_a_hundred_classes_and_a_hundred_thousand_pictures(pictures):
    names = [f"{number:064x}" for number in range(100_000)]
    table = pd.DataFrame({"sha256": names, "group_id": names, "label_conflict": False})
    number = np.arange(len(table)) % 100
    table = table.assign(subreddit=[f"s{one}" for one in number], klass=[f"k{one}" for one in number])
    decisions = LabelDecisions(
        labels=tuple((name, "k0") for name in names[:5_000]), leave_out=tuple(names[5_000:6_000])
    )
    found = lay_over(table, GROUPS, decisions)
    assert found.pictures["is_in_set"].sum() == 99_000
    assert sum(count_relabelled(found.pictures).values()) == 4_950
    assert sum(found.left_out.values()) == 1_000
