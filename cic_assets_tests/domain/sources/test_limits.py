import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.images import judge_size
from cic_assets.domain.media import Outcome
from cic_assets.domain.sources.limits import judged_again, limits_version
from cic_assets.domain.sources.table import COLUMNS, complete_row, empty_table

SETTINGS = DownloadSettings(
    max_bytes=1024, placeholders=frozenset({"a" * 64}), limits={"min_side": 50, "max_pixels": 10_000}
)
ROWS = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from([str(one) for one in Outcome]),
        "reason": st.sampled_from(["", "as before", "image/heic", "1500 bytes, more than 1024"]),
        "sha256": st.sampled_from(["", "a" * 64, "b" * 64]),
        "limits": st.sampled_from(["", limits_version(SETTINGS)]),
        "bytes": st.sampled_from([0, 1024, 1025, 1500]),
        "width": st.sampled_from([0, 49, 50, 100, 300]),
        "height": st.sampled_from([0, 49, 50, 100, 300]),
        "asks": st.integers(0, 3),
        "transient": st.booleans(),
    }
)


def table_of(rows):
    types = {name: column.kind for name, column in COLUMNS.items()}
    return pd.DataFrame([complete_row(row) for row in rows], columns=list(COLUMNS)).astype(types)


def judged_row_by_row(table, limits):
    """The same as plainly as it can be said."""
    rows = table.to_dict("records")
    for row in rows:
        if row["limits"] == limits_version(limits):
            continue
        by_limits = row["outcome"] in ("too_large", "too_small", "placeholder", "blocked")
        if row["sha256"] and (row["outcome"] == "ok" or by_limits):
            row["limits"] = limits_version(limits)
            if row["bytes"] > limits.max_bytes:
                outcome, reason = "too_large", f"{row['bytes']} bytes, more than {limits.max_bytes}"
            elif row["sha256"] in limits.placeholders:
                outcome, reason = "placeholder", "a picture that is marked as a placeholder"
            else:
                outcome, reason = judge_size(row["width"], row["height"], limits.limits)
            if outcome != row["outcome"]:
                row |= {"outcome": str(outcome), "reason": reason}
        elif by_limits or (row["outcome"] == "not_an_image" and "heic" in row["reason"]):
            row |= {"transient": True, "asks": 0, "asked_at": ""}
    return table_of(rows).set_axis(table.index)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=8))
def test_other_limits_judge_a_table_as_they_judge_its_rows(rows):
    table = table_of(rows).set_axis([3 * place for place in range(len(rows))])  # as a part of another has it
    before = table.copy()
    pd.testing.assert_frame_equal(judged_again(table, SETTINGS), judged_row_by_row(table, SETTINGS))
    pd.testing.assert_frame_equal(table, before)


def test_a_table_without_rows_stays_one():
    pd.testing.assert_frame_equal(judged_again(empty_table(), SETTINGS), empty_table())


@pytest.mark.parametrize("outcome", ["ok", "too_small"])
def test_a_hundred_thousand_rows_are_judged_in_seconds(outcome):
    row = complete_row({"outcome": outcome, "sha256": "b" * 64, "bytes": 10, "width": 40, "height": 90})
    table = table_of([row]).loc[[0] * 100_000].reset_index(drop=True)
    assert set(judged_again(table, SETTINGS)["outcome"]) == {"too_small"}
