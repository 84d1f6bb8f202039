import threading

import pytest

from cic_assets.domain.prediction import REVIEW_COLUMNS, ReviewRefusedError, add_review, reviews
from cic_assets.domain.schema import types_of
from cic_assets.storage import DataRoot, sha256_hex


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path))


def said(picture=b"picture", **changes):
    return {
        "sha256": sha256_hex(picture), "label": "car", "probability": 0.9, "model": "vgg", "model_sha256": "0" * 64,
        "truth": "tank", "reviewed_at": "2026-01-02T03:04:05+00:00", **changes,
    }  # fmt: skip


def test_a_review_is_a_row(root):
    review = add_review(root, **said())
    table = root.read_table("reviews")
    assert list(table) == list(REVIEW_COLUMNS)
    assert table.to_dict("records") == [{**said(), "format": "", "bytes": 0}]
    assert (review.truth, review.format) == ("tank", "")
    kinds = {"O": "str", "T": "str", "i": "int64", "f": "float64"}
    assert {name: kinds[kind.kind] for name, kind in table.dtypes.items()} == types_of(REVIEW_COLUMNS)


def test_the_same_once_and_something_else_beside_it(root):
    add_review(root, **said())
    add_review(root, **said(reviewed_at="2026-02-02T03:04:05+00:00", probability=0.90001))
    add_review(root, **said(truth=""))
    assert list(root.read_table("reviews")["truth"]) == ["tank", ""]


def test_a_picture_is_kept_where_it_was_given(root, jpeg, grey):
    add_review(root, jpeg(1), **said(jpeg(1)))
    add_review(root, grey(1), **said(grey(1)))  # too small to train on, and not to look at
    assert root.images.get(sha256_hex(jpeg(1)), "jpeg") == jpeg(1)
    assert list(root.read_table("reviews")["bytes"]) == [len(jpeg(1)), len(grey(1))]


def test_consent_may_come_later(root, jpeg):
    add_review(root, **said(jpeg(1)))
    add_review(root, jpeg(1), **said(jpeg(1)))
    assert list(root.read_table("reviews")["format"]) == ["", "jpeg"]


@pytest.mark.parametrize(
    ("picture", "sha256", "why"),
    [
        (b"<html>", sha256_hex(b"<html>"), "cannot be kept"),
        (b"", sha256_hex(b""), "cannot be kept: no bytes"),
        (b"another", sha256_hex(b"one"), "not the bytes of the picture"),
    ],
)
def test_what_is_no_picture_is_not_kept(root, picture, sha256, why):
    with pytest.raises(ReviewRefusedError, match=why):
        add_review(root, picture, **said(sha256=sha256))
    assert not root.has_table("reviews")
    assert root.images.names() == set()


def test_a_picture_that_is_cut_is_not_kept(root, jpeg):
    with pytest.raises(ReviewRefusedError, match="cannot be kept"):
        add_review(root, jpeg(1)[:-200], **said(jpeg(1)[:-200]))


def test_no_more_than_there_is_room_for(root, jpeg, monkeypatch):
    monkeypatch.setattr(reviews, "MOST_REVIEWS", 2)
    monkeypatch.setattr(reviews, "MOST_KEPT_BYTES", len(jpeg(1)) + 10)
    add_review(root, jpeg(1), **said(jpeg(1)))
    with pytest.raises(ReviewRefusedError, match="no room for more pictures: say it without yours"):
        add_review(root, jpeg(2), **said(jpeg(2)))
    assert root.images.names() == {sha256_hex(jpeg(1))}
    add_review(root, **said(jpeg(2)))
    add_review(root, **said(jpeg(2)))  # is there already
    with pytest.raises(ReviewRefusedError, match="the list is full: it has 2 reviews"):
        add_review(root, **said(jpeg(3)))


def test_it_waits_for_what_else_writes(root):
    with root.lock.held():
        writer = threading.Thread(target=add_review, args=(root,), kwargs=said())
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        assert not root.has_table("reviews")
    writer.join()
    assert len(root.read_table("reviews")) == 1


def test_none_is_lost_of_many_at_once(root):
    writers = [threading.Thread(target=add_review, args=(root,), kwargs=said(str(n).encode())) for n in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert root.read_table("reviews")["sha256"].nunique() == 12
