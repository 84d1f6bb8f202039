"""The whole audit: planted faults are found, and it says so where there is nothing to say."""

import numpy as np
import pytest

from cic_assets.domain.audit import (
    AUDIT_COLUMNS,
    audit_dataset,
    likely_label_errors,
    of_no_class,
    read_summary,
    write_summary,
)
from cic_assets.domain.dataset import assign_folds
from cic_assets.storage import DataRoot


def audited(data, **changes):
    return audit_dataset(data.manifest, data.table.assign(**changes), data.classes, "version")


def columns(classes):
    names = list(AUDIT_COLUMNS)
    place = names.index("p_CLASS")
    return [*names[:place], *(f"p_{klass}" for klass in classes), *names[place + 1 :]]


def test_each_picture_is_judged_once_by_what_has_not_seen_its_unit(drawn):
    data = drawn()
    table, summary = audited(data)
    assert list(table) == columns(data.classes)
    assert list(table["sha256"]) == list(data.manifest["sha256"])
    assert list(table["fold"]) == list(assign_folds(data.manifest))
    assert table.groupby("unit_id")["fold"].nunique().max() == 1
    assert (table["predicted"] == table["klass"]).mean() > 0.9
    np.testing.assert_allclose(table[["p_car", "p_tank"]].sum(axis=1), 1)
    assert (summary.pictures, summary.audited, summary.folds, summary.why_none) == (120, 120, 5, "")
    assert summary.dataset_version == "version"


def test_flipped_labels_are_found(drawn):
    data = drawn(each=100)
    flipped = data.random.choice(200, 10, replace=False)
    data.labels[flipped] = 1 - data.labels[flipped]
    table, _ = audited(data)
    found = set(likely_label_errors(table)["sha256"])
    planted = set(table["sha256"].iloc[flipped])
    assert len(found & planted) >= 9
    assert len(found - planted) <= 2
    wrong = table[table["likely_error"]]
    assert (wrong["likely_class"] != wrong["klass"]).all()
    assert likely_label_errors(table)["label_score"].is_monotonic_increasing


def test_pictures_of_no_class_are_found_whatever_class_they_are_given(drawn):
    data = drawn(each=100)
    odd = [3, 50, 120, 170]
    data.features[odd] = data.around(data.random.gamma(0.3, 3.0, (4, 64)))
    table, _ = audited(data)
    assert set(of_no_class(table)["sha256"].head(4)) == {data.manifest["sha256"][i] for i in odd}
    assert len(of_no_class(table)) <= 6


def test_nobody_is_asked_again_about_what_a_person_said(drawn):
    data = drawn(each=100)
    data.labels[[5, 150]] = 1 - data.labels[[5, 150]]
    data.features[[50, 120]] = data.around(data.random.gamma(0.3, 3.0, (2, 64)))
    names = data.manifest["sha256"].to_numpy()
    before, _ = audited(data)
    assert {*names[[5, 150]]} <= set(likely_label_errors(before)["sha256"])
    assert {*names[[50, 120]]} <= set(of_no_class(before)["sha256"])
    by_hand = data.manifest["sha256"].isin(names[[5, 50]])
    table, _ = audit_dataset(data.manifest.assign(by_hand=by_hand), data.table, data.classes, "version")
    assert names[5] not in set(likely_label_errors(table)["sha256"])
    assert names[150] in set(likely_label_errors(table)["sha256"])
    assert names[50] not in set(of_no_class(table)["sha256"])
    assert names[120] in set(of_no_class(table)["sha256"])


def test_clean_sets_are_hardly_accused(drawn):
    table, _ = audited(drawn(each=150))
    assert table["likely_error"].sum() <= 3
    assert table["off_topic"].sum() <= 6


def test_the_same_set_gives_the_same_answer_in_any_order(drawn):
    data = drawn()
    table, summary = audited(data)
    again = audit_dataset(data.manifest.sample(frac=1, random_state=1), data.table[::-1], data.classes, "version")
    assert again.table.equals(table)
    assert again.summary == summary


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.table.head(0), "there are no features of its pictures"),
        (lambda data: data.table.assign(resized_sha256="other"), "there are no features of its pictures"),
        (lambda data: data.table.head(60), "only one class has pictures with features"),
        (lambda data: data.table.head(62), "a class has all its pictures in one unit"),
    ],
)
def test_where_nothing_can_be_judged_the_table_is_empty_and_says_why(drawn, change, why):
    data = drawn()
    table, summary = audit_dataset(data.manifest, change(data), data.classes)
    assert (len(table), list(table)) == (0, columns(data.classes))
    assert summary.why_none.startswith(why)
    assert summary.audited == 0
    assert table.dtypes.equals(audited(data).table.dtypes)


def test_features_of_two_backbones_are_not_compared(drawn):
    data = drawn()
    table, summary = audited(data, features_version=["old"] * 20 + ["new"] * 100)
    assert (len(table), summary.features_version, summary.pictures) == (100, "new", 120)


def test_a_hundred_classes_one_of_them_tiny(drawn):
    data = drawn(each=6, classes=[f"c{i}" for i in range(100)], noise=0.2)
    keep = np.r_[0:2, 6 : len(data.labels)]
    data.labels, data.features = data.labels[keep], data.features[keep]
    manifest = data.manifest.assign(unit_id=data.manifest["sha256"])
    table, summary = audit_dataset(manifest, data.table, data.classes)
    assert summary.folds == 2
    assert (table["predicted"] == table["klass"]).mean() > 0.9


def test_the_summary_is_kept_beside_the_table(drawn, tmp_path):
    root = DataRoot(str(tmp_path))
    assert read_summary(root) is None
    _, summary = audited(drawn())
    write_summary(root, summary)
    assert read_summary(root) == summary
    root.table_path("audit").with_suffix(".json").write_text('{"pictures": "many"}')
    assert read_summary(root) is None
