"""Dumps: filtered, read as streams, damaged."""

import json
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources import Partition, Source, SourceError, list_media

MAY = 1_683_000_000  # 2023-05-02


def line(post_id, subreddit="Cars", created=MAY, **more):
    post = {"id": post_id, "subreddit": subreddit, "created_utc": created, "url": f"http://i.redd.it/{post_id}.jpg"}
    return json.dumps({**post, **more}).encode()


def media_of(path, lines=None, **options):
    partition = Partition("key", "car", Source.model_validate({"dump": str(path), **options}))
    said = [] if lines is None else lines
    return list_media(partition, RedditSettings(), None, said.append).media


def write(path, lines):
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(zstandard.compress(data) if path.suffix == ".zst" else data)
    return path


@pytest.mark.parametrize("name", ["d.jsonl", "d.zst"])
def test_a_dump_gives_the_posts_that_are_asked_for(tmp_path, name):
    path = write(
        tmp_path / name,
        [
            line("a"), line("b", "trucks"), line("c", created=MAY - 86400 * 400), line("d", created=MAY + 86400 * 400),
            line("e", "CARS", link_flair_text="Classic"), line("f", created="1683000000"),
        ],
    )  # fmt: skip
    said = []
    assert [one.post_id for one in media_of(path, said, subreddit="cars", since="2023", until="2023-05")] == list("aef")
    assert said[-1].endswith("6 posts in 6 lines, 3 of them of other subreddits or times")
    assert [one.post_id for one in media_of(path, since="2023-05-02", until="2023-05-02")] == list("abef")
    assert [one.post_id for one in media_of(path, limit=2)] == list("ab")


def test_a_post_of_another_flair_has_a_row_that_says_so(tmp_path):
    path = write(
        tmp_path / "d.jsonl", [line("a", link_flair_text="Classic"), line("b"), line("c", link_flair_text="X")]
    )
    media = media_of(path, flair="classic ")
    assert [(one.post_id, one.known_outcome, one.reason) for one in media] == [
        ("a", None, ""),
        ("b", "skipped", "not of this source: no flair"),
        ("c", "skipped", "not of this source: flair 'X'"),
    ]


def test_a_bad_line_is_an_outcome_and_not_the_end(tmp_path):
    bad = [b"nope", b"[1]", b"{}", b'{"id": 5}', b"\xff\xfe", b"[" * 100_000, b'{"id": "x", "score": ' + b"9" * 5000]
    path = write(tmp_path / "d.jsonl", [line("a"), *bad, b"", line("b")])
    media = media_of(path)
    assert [one.post_id for one in media] == ["a", *(f"line-{number}" for number in range(2, 9)), "b"]
    assert [one.reason for one in media[1:-1]] == [
        "line 2 is not JSON", "line 3 has no id", "line 4 has no id", "line 5 has the id '5'",
        "line 6 is not UTF-8 text", "line 7 is not JSON", "line 8 is not JSON",
    ]  # fmt: skip
    assert {one.known_outcome for one in media[1:-1]} == {"error"}


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "d.zst"
    path.write_bytes(zstandard.compress(line("a") + b"\n" + b"x" * 300_000_000 + b"\n" + line("b")))
    tracemalloc.start()
    media = media_of(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.post_id for one in media] == ["a", "line-2", "b"]
    assert media[1].reason == "line 2 has more than 16 MiB"
    assert most < 150_000_000


def test_several_frames_are_one_dump_and_a_cut_one_is_said(tmp_path):
    whole = zstandard.compress(line("a") + b"\n") + zstandard.compress(line("b") + b"\n")
    (tmp_path / "d.zst").write_bytes(whole)
    assert [one.post_id for one in media_of(tmp_path / "d.zst")] == ["a", "b"]
    (tmp_path / "d.zst").write_bytes(whole[:-20])
    with pytest.raises(SourceError, match=r"d\.zst: cannot be read \(it ends amid its compressed text: was its downl"):
        media_of(tmp_path / "d.zst")


@given(st.lists(st.binary(max_size=40) | st.just(line("good")), min_size=1, max_size=8))
def test_whatever_the_lines_hold_each_has_an_outcome(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("dump") / "d.jsonl"
    path.write_bytes(b"\n".join(lines))
    whole = [one for one in b"\n".join(lines).removeprefix(b"\xef\xbb\xbf").split(b"\n") if one.strip()]
    try:
        media = media_of(path)
    except SourceError:
        assert line("good") not in whole
        return
    assert len(media) == len(whole)
