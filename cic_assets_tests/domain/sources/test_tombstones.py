from cic_assets.domain.sources import TOMBSTONES, TakedownReason, load_tombstones, make_tombstones
from cic_assets.storage import DataRoot

ROW = {
    "post_id": "a", "subreddit": "cars", "position": 0, "is_post": True, "crosspost_of": "", "url_sha256": "0" * 64,
    "sha256": "", "reason": TakedownReason.DELETED, "noticed_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip


def test_tables_of_before_are_read_beside_those_of_today(tmp_path):
    """Their column `reason` was called `fate`."""
    root, today = DataRoot(str(tmp_path)), make_tombstones([ROW])
    root.write_table(TOMBSTONES, today.rename(columns={"reason": "fate"}), "cars")
    root.write_table(TOMBSTONES, make_tombstones([{**ROW, "subreddit": "tanks", "post_id": "b"}]), "tanks")
    found = load_tombstones(root)
    assert list(found.table.columns) == list(today.columns)
    assert found.table["reason"].tolist() == [TakedownReason.DELETED] * 2
    assert found.version == load_tombstones(root).version


def test_a_file_of_kaggle_that_was_called_a_post_is_none(tmp_path):
    root = DataRoot(str(tmp_path))
    root.write_table(TOMBSTONES, make_tombstones([{**ROW, "post_id": name} for name in ("a", "0.jpg", "cars/0")]), "x")
    assert load_tombstones(root).table["is_post"].tolist() == [True, False, False]
