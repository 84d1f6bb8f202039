import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cic_assets.domain.download import Download
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.sources import Partition, Source
from cic_assets.domain.sources.table import (
    COLUMNS,
    KEY,
    complete_row,
    count_changes,
    empty_table,
    make_row,
    make_table,
    table_version,
)
from cic_assets.storage import content_version

CARS = Partition("cars", "car", Source.model_validate("r/Cars"))
DOWNLOAD = Download(url="http://a.example/x.jpg", outcome=Outcome.HTTP_ERROR, reason="404")


def row(**values):
    medium = Medium(**{"post_id": "one", "subreddit": "cars", "media_url": "http://a.example/x.jpg"} | values)
    return make_row(medium, DOWNLOAD, CARS, origin="reddit", limits="", fetched_at="2026-01-01T00:00:00+00:00")


def test_what_is_not_known_is_empty_and_never_missing():
    table = make_table([row()], empty_table())
    assert not table.isna().any().any()
    assert list(table.columns) == list(COLUMNS)
    assert (table["sha256"][0], table["width"][0], table["outcome"][0]) == ("", 0, "http_error")


def test_text_that_utf8_cannot_hold_is_kept_readable(tmp_path):
    table = make_table([row(title="half a smile \ud83d", media_url="http://a.example/\udcff.jpg")], empty_table())
    table.to_parquet(tmp_path / "t.parquet")
    assert pd.read_parquet(tmp_path / "t.parquet")["title"][0] == "half a smile \\ud83d"


def test_a_medium_listed_twice_is_one_row():
    assert len(make_table([row(), row(), row(position=1)], empty_table())) == 2


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "post_id": st.sampled_from(["a", "b", "c"]),
            "position": st.integers(0, 1),
            "media_url": st.sampled_from(["", "http://a.example/x.jpg", "http://a.example/y.jpg"]),
            "outcome": st.sampled_from(["ok", "http_error"]),
            "sha256": st.sampled_from(["", "1", "2"]),
            "fetched_at": st.sampled_from(["2026-01-01", "2026-02-02", "2026-03-03"]),
            "created_utc": st.sampled_from([1.0, 2.0]),
        }
    ),
    max_size=6,
)


def key_of(row):
    return tuple(row[name] for name in KEY)


def merged_row_by_row(rows, before, keep_old):
    merged, first = {}, {}
    for row in reversed(before):
        first[*key_of(row), row["outcome"], row["sha256"]] = row["fetched_at"]
    for row in rows:
        when = first.get((*key_of(row), row["outcome"], row["sha256"]), row["fetched_at"])
        merged.setdefault(key_of(row), {**row, "fetched_at": when})
    fell_off = [row for row in before if key_of(row) not in merged] if keep_old else []
    return sorted([*merged.values(), *fell_off], key=lambda row: (-row["created_utc"], row["post_id"], row["position"]))


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, st.booleans())
def test_tables_are_merged_as_their_rows_are(rows, before, keep_old):
    types = {name: column.kind for name, column in COLUMNS.items()}
    earlier = pd.DataFrame([complete_row(row) for row in before], columns=list(COLUMNS)).astype(types)
    table = make_table([complete_row(row) for row in rows], earlier, keep_old=keep_old)
    expected = merged_row_by_row(rows, before, keep_old)
    names = ["post_id", "position", "media_url", "outcome", "sha256", "fetched_at"]
    assert table[names].to_dict("records") == [{name: row[name] for name in names} for row in expected]
    assert table_version(table) == content_version(table.sort_values(KEY)[[*KEY, "outcome", "sha256"]])
    known = {key_of(row) for row in rows}
    lost = [row for row in before if key_of(row) not in known]
    new = known.difference(map(key_of, before))
    fresh = make_table([complete_row(row) for row in rows], empty_table())
    assert count_changes(earlier, fresh) == (len(new), len(lost))
