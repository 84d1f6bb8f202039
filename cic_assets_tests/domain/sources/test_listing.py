import json

import pandas as pd
import pytest
import zstandard

from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources import Partition, Source, SourceError, list_media

URLS = ["http://a.example/One.jpg?Q=1", "https://b.example/two"]


def media_of(source):
    partition = Partition("key", "car", Source.model_validate(source))
    return list_media(partition, RedditSettings(), None, lambda _line: None).media


def write(path, name):
    path = path / name
    if name.endswith(".parquet"):
        pd.DataFrame({"media_url": URLS}).to_parquet(path)
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps({"url": url}) + "\n" for url in URLS))
    elif name.endswith(".txt"):
        path.write_text("\n".join(URLS))
    else:
        separator = "\t" if name.endswith(".tsv") else ","
        path.write_text("".join(f"{a}{separator}{b}\n" for a, b in [("id", "url"), (1, URLS[0]), (2, URLS[1])]))
    return path


@pytest.mark.parametrize("name", ["u.csv", "u.tsv", "u.txt", "u.jsonl", "u.parquet"])
def test_lists_of_urls_in_every_format(tmp_path, name):
    media = media_of(f"urls:{write(tmp_path, name)}")
    assert [medium.media_url for medium in media] == URLS
    assert {medium.subreddit for medium in media} == {"key"}


SUBMISSION = {"id": "abc", "subreddit": "Cars", "title": "t", "url": "http://i.redd.it/x.jpg", "domain": "i.redd.it"}


@pytest.mark.parametrize("name", ["dump.jsonl", "dump.zst"])
def test_dumps_plain_and_compressed(tmp_path, name):
    text = json.dumps(SUBMISSION) + "\n" + json.dumps(SUBMISSION | {"id": "def", "over_18": True}) + "\n"
    data = zstandard.compress(text.encode()) if name.endswith(".zst") else text.encode()
    (tmp_path / name).write_bytes(data)
    media = media_of(f"dump:{tmp_path / name}")
    assert [(medium.post_id, medium.known_outcome) for medium in media] == [("abc", None), ("def", "skipped")]


def test_blank_lines_of_a_dump_are_none_of_its_lines(tmp_path):
    line = json.dumps(SUBMISSION).encode()
    path = make(tmp_path, "d.jsonl", b"\n" + line + b"\n  \r\n\n")
    assert [medium.post_id for medium in media_of(f"dump:{path}")] == ["abc"]


@pytest.mark.parametrize("name", ["u.csv", "u.tsv", "u.jsonl", "u.parquet"])
def test_an_empty_cell_is_a_row_that_says_so(tmp_path, name):
    path = tmp_path / name
    table = pd.DataFrame({"id": ["1", "2", "3"], "url": [URLS[0], None, " "]})
    if name.endswith(".parquet"):
        table.to_parquet(path)
    elif name.endswith(".jsonl"):
        table.to_json(path, lines=True, orient="records")
    else:
        table.to_csv(path, index=False, sep="\t" if name.endswith(".tsv") else ",")
    media = media_of(f"urls:{path}")
    assert [(medium.media_url, medium.known_outcome, medium.reason) for medium in media] == [
        (URLS[0], None, ""),
        ("", "blocked", "row 2 has no URL"),
        ("", "blocked", "row 3 has no URL"),
    ]


def test_a_url_keeps_its_id_when_lines_are_put_in_before_it(tmp_path):
    before = media_of(f"urls:{write(tmp_path, 'u.txt')}")
    (tmp_path / "u.txt").write_text("\n".join(["http://new.example", *URLS]))
    after = media_of(f"urls:{tmp_path / 'u.txt'}")
    assert after[1:] == before
    assert len({medium.post_id for medium in after}) == 3


def make(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("source", "content", "message"),
    [
        ("urls:u.csv", b"a,b\n1,2\n", r"u\.csv: found a, b, expected a column named url or media_url"),
        ("urls:u.xls", b"", r"u\.xls: found \.xls, expected one of \.csv"),
        ("urls:u.jsonl", b"{nope", r"u\.jsonl: is not a valid \.jsonl file"),
        ("urls:u.parquet", b"nope", r"u\.parquet: is not a valid \.parquet file"),
        ("dump:d.jsonl", b'\nnope\n{"id": 5}\n', r"d\.jsonl:2: is not JSON: expected one submission a line"),
        ("dump:d.jsonl", b"[1]\n", r"d\.jsonl:1: has no id"),
        ("dump:d.jsonl", b'\n{"id": 5}\n', r"d\.jsonl:2: has the id '5': expected one submission a line, with an id"),
        ("dump:d.jsonl", b'{"id": ""}\n', r"d\.jsonl:1: has the id '': expected"),
        ("dump:d.jsonl", b'{"id": null}\n', r"d\.jsonl:1: has no id"),
        ("dump:d.zst", b"nope", r"d\.zst: is not zstd-compressed text"),
        ("dump:d.jsonl", b"\xff\xfe", r"d\.jsonl:1: is not UTF-8 text"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, source, content, message):
    kind, name = source.split(":")
    path = make(tmp_path, name, content)
    with pytest.raises(SourceError, match=message):
        media_of(f"{kind}:{path}")


@pytest.mark.parametrize("source", ["urls:/no/where.csv", "dump:/no/where.jsonl", "folder:/no/where"])
def test_a_missing_file_is_named(source):
    with pytest.raises(SourceError, match="/no/where"):
        media_of(source)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="is empty: expected pictures"):
        media_of(f"folder:{tmp_path}")


@pytest.mark.parametrize("name", ["u.csv", "u.tsv", "u.txt", "u.jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_url(tmp_path, name):
    path = write(tmp_path, name)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [medium.media_url for medium in media_of(f"urls:{path}")] == URLS


@pytest.mark.parametrize("name", ["dump.jsonl", "dump.zst"])
def test_a_byte_order_mark_is_no_part_of_a_dump(tmp_path, name):
    data = b"\xef\xbb\xbf" + json.dumps(SUBMISSION).encode()
    path = make(tmp_path, name, zstandard.compress(data) if name.endswith(".zst") else data)
    assert [medium.post_id for medium in media_of(f"dump:{path}")] == ["abc"]


def test_comments_in_a_text_file_are_no_urls(tmp_path):
    path = make(tmp_path, "u.txt", f"# of my own\n{URLS[0]}\n  # http://c.example/not\n{URLS[1]}#part\n".encode())
    assert [medium.media_url for medium in media_of(f"urls:{path}")] == [URLS[0], f"{URLS[1]}#part"]


@pytest.mark.parametrize("value", [1e300, -1e300, 1e19, "1e19", 10**400, float(2**53) * 2])
@pytest.mark.parametrize("field", ["score", "created_utc"])
def test_a_number_that_no_column_holds_stops_no_source(tmp_path, field, value):
    bad = json.dumps(SUBMISSION | {"id": "bad", field: value})
    path = make(tmp_path, "d.jsonl", f"{json.dumps(SUBMISSION)}\n{bad}\n".encode())
    media = media_of(f"dump:{path}")
    assert [medium.post_id for medium in media] == ["abc", "bad"]
    assert getattr(media[1], field) == 0
    table = pd.DataFrame({field: pd.array([getattr(medium, field) for medium in media], dtype="int64")})
    assert table[field].tolist() == [0, 0]


def test_other_columns_are_carried_along(tmp_path):
    path = make(tmp_path, "u.csv", b"id,url,note\n7,http://a.example/1.jpg,by hand\n,http://a.example/2.jpg,\n")
    assert [one.carried for one in media_of(f"urls:{path}")] == ['{"id": "7", "note": "by hand"}', ""]
    path = tmp_path / "u.parquet"
    row = {
        "url": URLS[0],
        "n": 3,
        "x": float("nan"),
        "ok": True,
        "when": pd.Timestamp("2023-05-17"),
        "tags": ["a", "b"],
    }
    pd.DataFrame([row]).to_parquet(path)
    (medium,) = media_of(f"urls:{path}")
    assert json.loads(medium.carried) == {"n": 3, "ok": True, "when": "2023-05-17 00:00:00", "tags": "['a' 'b']"}


def test_what_is_carried_is_bounded(tmp_path):
    row = {"url": URLS[0], "bad": "x\x00\u202e", **{f"c{number}": "y" * 10_000 for number in range(100)}}
    path = make(tmp_path, "u.jsonl", json.dumps(row).encode())
    (medium,) = media_of(f"urls:{path}")
    carried = json.loads(medium.carried)
    assert len(medium.carried) < 9000
    assert carried["c0"] == "y" * 500
