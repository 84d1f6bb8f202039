"""What is done to millions of rows at once, beside the same said plainly, row by row."""

import hashlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from cic_assets.domain.components import Components
from cic_assets.domain.dataset import (
    COPIES,
    DatasetError,
    DatasetSettings,
    Split,
    SplitSettings,
    assign_splits,
    find_units,
    forget_pictures,
    relations_of_pixels,
    relations_of_posts,
)
from cic_assets.domain.dataset.split_memory import read_splits, remembered, split_rule, told_by, why_moved

NAMES = ["0a", "1b", "2c", "3d", "4e", "5f", "66", "77"]
NAME = st.sampled_from(NAMES)
SPLITS = st.dictionaries(NAME, st.sampled_from(list(Split)), max_size=8)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sha256": NAME,
            "subreddit": st.sampled_from(["cars", "tanks"]),
            "post_id": st.sampled_from(["p1", "p2", "p3", "1.jpg", "2.jpg"]),
            "crosspost_of": st.sampled_from(["", "", "p1", "p3", "gone"]),
            "pixels_sha256": st.sampled_from(["", "x", "y", "z"]),
            "resized_sha256": st.sampled_from(["x", "r1", "r2", "r3"]),
        }
    ),
    max_size=8,
)


def table_of(rows):
    columns = ["sha256", "subreddit", "post_id", "crosspost_of", "pixels_sha256", "resized_sha256"]
    table = pd.DataFrame(rows, columns=columns, dtype="str")
    is_file = table["post_id"].str.contains(".", regex=False)
    return table.assign(permalink=("https://www.reddit.com/r/x/comments/" + table["post_id"]).mask(is_file, ""))


def units_pair_by_pair(sha256s, relations):
    components, found = Components(), {}
    for name, pairs in relations.items():
        components.join_all(pairs)
        first = {}
        found[name] = {sha: first.setdefault(components.root(sha), sha) for sha in sorted(set(sha256s))}
    return found


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.tuples(NAME, NAME), max_size=4), st.lists(st.tuples(NAME, NAME), max_size=2))
def test_units_are_what_hangs_together_by_pairs(rows, copies, scenes):
    table = table_of(rows)
    names = [*table["sha256"], *(one for pair in copies for one in pair)]
    records = table.to_dict("records")
    place = [("" if row["permalink"] else row["subreddit"], row["post_id"]) for row in records]
    plain = {
        "copies": copies,
        "pixels": [
            (row["sha256"], (column, row[column]))
            for row in records
            for column in ("pixels_sha256", "resized_sha256")
            if row[column]
        ],
        "posts": [(row["sha256"], where) for row, where in zip(records, place, strict=True)],
        "crossposts": [
            (where, (where[0], row["crosspost_of"]))
            for row, where in zip(records, place, strict=True)
            if row["crosspost_of"]
        ],
        "scenes": scenes,
    }
    found = find_units(
        names, {COPIES: copies, **relations_of_pixels(table), **relations_of_posts(table), "scenes": scenes}
    )
    assert {name: found[name].to_dict() for name in found} == units_pair_by_pair(names, plain)
    assert list(found.index) == sorted(set(names))


def strictest(names, known):
    found = {known[name] for name in names if name in known}
    return next((split for split in (Split.TEST, Split.VALIDATION, Split.TRAIN) if split in found), None)


def cut(units, sizes, part_of, ends):
    """Each unit, in order, by the middle of its own pictures among those of its part."""
    before, result = {}, {}
    total = {part: sum(sizes[unit] for unit in units if part_of[unit] == part) for part in part_of.values()}
    for unit in units:
        part = part_of[unit]
        before[part] = before.get(part, 0) + sizes[unit]
        place = (before[part] - sizes[unit] / 2) / total[part]
        result[unit] = Split.TEST if place < ends[0] else Split.VALIDATION if place < ends[1] else Split.TRAIN
    return result


def splits_unit_by_unit(pictures, members, previous, rule, given_splits, seed):
    position = {
        unit: int.from_bytes(hashlib.sha256(f"{seed}\0{unit}".encode()).digest()[:8]) / 2**64
        for unit in pictures["unit_id"]
    }
    rows = pictures.to_dict("records")
    sizes = {unit: sum(row["unit_id"] == unit for row in rows) for unit in position}
    klass = {row["unit_id"]: row["klass"] for row in reversed(rows)}
    newest = {unit: max(row["created_utc"] for row in rows if row["unit_id"] == unit) for unit in position}
    ends = rule.test, rule.test + rule.validation
    if rule.by == "hash":
        proposed = {
            unit: Split.TEST if at < ends[0] else Split.VALIDATION if at < ends[1] else Split.TRAIN
            for unit, at in position.items()
        }
    elif rule.by == "class":
        proposed = cut(sorted(position, key=position.get), sizes, klass, ends)
    else:
        in_order = sorted(position, key=lambda unit: (-newest[unit], position[unit]))
        proposed = cut(in_order, sizes, dict.fromkeys(position, "all"), ends)
    result = []
    for unit in pictures["unit_id"]:
        names = {sha for sha, its in members.items() if its == unit} or {unit}
        before, fixed = strictest(names, previous), strictest(names, given_splits)
        said = before or proposed[unit]
        if before and rule.by == "time":
            said = max(before, proposed[unit], key=[Split.TEST, Split.VALIDATION, Split.TRAIN].index)
        result.append(str(fixed or said))
    return result


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(NAME, st.sampled_from(["car", "tank"]), st.sampled_from([0.0, 1e9, 2e9])), min_size=1, max_size=9
    ),
    st.dictionaries(NAME, NAME, max_size=8),
    SPLITS,
    SPLITS,
    st.sampled_from(["hash", "class", "time"]),
    st.sampled_from(["", "seed"]),
)
def test_splits_are_those_of_each_unit(rows, members, previous, given_splits, by, seed):
    pictures = pd.DataFrame(rows, columns=["unit_id", "klass", "created_utc"])
    rule = SplitSettings(by=by, train=0.5, validation=0.2, test=0.3)
    if by == "time" and not (pictures["created_utc"] > 0).any():
        with pytest.raises(DatasetError):
            assign_splits(pictures, members, previous, rule)
        return
    found = assign_splits(pictures, members, previous, rule, given=given_splits, seed=seed)
    assert found.tolist() == splits_unit_by_unit(pictures, members, previous, rule, given_splits, seed)
    assert found.dtype == "str"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAME, NAME, min_size=1), SPLITS, SPLITS)
def test_the_memory_of_splits_is_the_data_set_then_its_units_then_what_was_known(unit_of, before, of_units):
    units = pd.DataFrame({"copies": unit_of}, dtype="str").rename_axis("sha256")
    divided = {sha: of_units[unit] for sha, unit in unit_of.items() if unit in of_units}
    manifest = pd.DataFrame({"sha256": list(divided), "unit_id": [unit_of[sha] for sha in divided]}, dtype="str")
    manifest["split"] = pd.Series(list(map(str, divided.values())), dtype="str")
    known = pd.Series(list(before.values()), index=pd.Index(list(before), dtype="str"), dtype="str")
    now = {sha: of_units[unit] for sha, unit in unit_of.items() if unit in of_units}
    expected = sorted({**before, **now, **divided}.items())
    table = remembered(manifest, known, units)
    assert list(table.itertuples(index=False, name=None)) == [(sha, str(split)) for sha, split in expected]
    moved = sum(before[sha] != split for sha, split in divided.items() if sha in before)
    assert sum(int(line.split()[0]) for line in why_moved(manifest, known, units)) == moved


@given(SPLITS, SPLITS, SPLITS)
def test_the_first_that_knows_a_picture_says_its_split(one, other, third):
    known = (one, other, third)
    tables = [pd.Series(list(one.values()), index=pd.Index(list(one), dtype="str"), dtype="str") for one in known]
    assert told_by(tables).to_dict() == {**known[2], **known[1], **known[0]}


def test_a_manifest_says_more_than_the_memory_of_splits(tmp_path):
    for name, rows in {"splits": [("a", "train"), ("b", "test")], "manifest": [("b", "train"), ("c", "test")]}.items():
        table = pd.DataFrame(rows, columns=["sha256", "split"])
        table.attrs.update(split_rule(DatasetSettings()))
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    found = read_splits(UPath(tmp_path), DatasetSettings())
    assert found.to_dict() == {"a": "train", "b": "train", "c": "test"}
    lines = []
    assert read_splits(UPath(tmp_path), DatasetSettings(split_seed="x"), lines.append).empty
    assert lines == ["3 pictures are divided anew: dataset.splits or dataset.split_seed changed"]


MANIFEST = st.lists(
    st.fixed_dictionaries(
        {
            "sha256": NAME,
            "subreddit": st.sampled_from(["cars", "tanks"]),
            "post_id": st.sampled_from(["", "p1", "p2", "p3"]),
            "group_id": NAME,
            "unit_id": NAME,
        }
    ),
    max_size=8,
    unique_by=lambda row: row["sha256"],
)


def forgotten_row_by_row(rows, gone, posts, heirs):
    there = {row["sha256"] for row in rows}
    left = []
    for row in rows:
        if row["sha256"] in gone or (row["subreddit"], row["post_id"]) in posts:
            row = {**row, "post_id": "", "title": ""}  # noqa: PLW2901 - what it is from here on
        if row["sha256"] in gone:
            heir = heirs.get(row["sha256"], "")
            row = {**row, "sha256": "" if heir in there else heir}  # noqa: PLW2901
        if row["sha256"]:
            left.append({**row, **{name: heirs.get(row[name], row[name]) for name in ("group_id", "unit_id")}})
    smallest = {
        name: {value: min(row["sha256"] for row in left if row[name] == value) for value in {one[name] for one in left}}
        for name in ("group_id", "unit_id")
    }
    return [
        {**row, **{name: smallest[name][row[name]] for name in ("group_id", "unit_id") if row[name] in gone}}
        for row in left
    ]


@settings(max_examples=100, deadline=None)
@given(MANIFEST, st.sets(NAME), st.sets(st.tuples(st.sampled_from(["cars", "tanks"]), st.sampled_from(["p1", "p3"]))))
def test_a_data_set_forgets_pictures_as_it_forgets_each(tmp_path_factory, rows, gone, posts):
    folder = UPath(tmp_path_factory.mktemp("dataset"))
    stay = sorted(set(NAMES) - gone)
    heirs = {name: stay[number % len(stay)] for number, name in enumerate(sorted(gone)) if stay and number % 3}
    columns = ["sha256", "subreddit", "post_id", "group_id", "unit_id"]
    table = pd.DataFrame(rows, columns=columns, dtype="str").assign(title="a title")
    table.to_parquet(folder / "manifest.parquet", index=False)
    assert forget_pictures(folder, gone, posts, heirs) == any(row["sha256"] in gone for row in rows)
    expected = forgotten_row_by_row(table.to_dict("records"), gone, posts, heirs)
    assert pd.read_parquet(folder / "manifest.parquet").to_dict("records") == expected
