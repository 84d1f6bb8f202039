import pandas as pd

from cic_assets.domain.download import Download
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.sources import Partition, Source
from cic_assets.domain.sources.table import COLUMNS, empty_table, make_row, make_table

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
