"""Sources of Reddit that take a part of what is listed: whole scrapes over real HTTP with a real PRAW client."""

import json

import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditSettings, connect
from cic_assets.domain.sources import Connection, Source, SourceError, name_partitions, scrape
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay

QUICK = DownloadSettings(backoff_seconds=0.01, answer_seconds=2)
MAY = 1_683_000_000.0  # 2023-05-02


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def scrape_all(archive, root):
    """One scrape of each source of some classes; gives tables by partition, and what the hosts were asked."""

    def run(**classes):
        sources = {klass: [Source.model_validate(one) for one in some] for klass, some in classes.items()}
        with replay(archive.folder) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
            connection = Connection("archive", reddit, Network.replay("127.0.0.1", server.port))
            tables = {
                key: scrape(partition, root, connection, RedditSettings(), QUICK).table.set_index("post_id")
                for key, partition in name_partitions(sources).items()
            }
            return tables, [url for url in server.requests if "//127.0.0.1/" not in url]

    return run


def outcomes(table):
    return {post_id: row["outcome"] for post_id, row in table.iterrows()}


HOSTILE = "../../../etc/passwd\x00|since=1970 <script>"


def test_one_subreddit_feeds_two_classes_by_flair(archive, scrape_all, root, tmp_path, jpeg):
    for number, flair in enumerate(["Classic", "classic ", "Modern", None, HOSTILE]):
        archive.add(f"p{number}", jpeg(number))
        archive.change(f"p{number}", link_flair_text=flair)
    classes = {"old": ["r/cars|flair=Classic"], "new": [{"r": "Cars", "flair": "modern"}]}
    tables, asked = scrape_all(**classes)
    assert sorted(tables) == ["cars-classic", "cars-modern"]
    assert outcomes(tables["cars-classic"]) == {"p0": "ok", "p1": "ok", **dict.fromkeys(["p2", "p3", "p4"], "skipped")}
    assert outcomes(tables["cars-modern"])["p2"] == "ok"
    assert sum(table["outcome"].eq("ok").sum() for table in tables.values()) == len(asked) == 3
    assert tables["cars-modern"].loc["p3", "reason"] == "not of this source: no flair"
    assert {path.name for path in (tmp_path / "root" / "tables" / "raw_images").iterdir()} == {
        "cars-classic.parquet", "cars-modern.parquet",
    }  # fmt: skip

    archive.change("p0", link_flair_text="Modern")
    tables, asked = scrape_all(**classes)
    assert asked == ["http://i.redd.it/p0.jpg"]  # of what one class has turned away the other asks anew
    assert (tables["cars-classic"].loc["p0", "outcome"], tables["cars-modern"].loc["p0", "outcome"]) == (
        "skipped",
        "ok",
    )


def test_what_fell_off_the_listings_is_judged_by_the_filters_of_now(archive, scrape_all, root, jpeg):
    archive.add("old", jpeg(1), created=MAY - 86400 * 365)
    archive.add("may", jpeg(2), created=MAY)
    assert outcomes(scrape_all(car=["r/cars"])[0]["cars"]) == {"may": "ok", "old": "ok"}
    archive.remove("old")
    tables, _ = scrape_all(car=["r/cars|since=2023"])
    assert outcomes(tables["cars"]) == {"may": "ok", "old": "skipped"}
    assert tables["cars"].loc["old", "reason"] == "not of this source: posted at another time"
    tables, asked = scrape_all(car=["r/cars|until=2023-05"])
    assert outcomes(tables["cars"]) == {"may": "ok", "old": "ok"}
    assert asked == []


def test_another_search_is_another_source(archive, scrape_all, jpeg):
    archive.add("a", jpeg(1))
    archive.change("a", title="A red kite")
    archive.add("b", jpeg(2))
    tables, _ = scrape_all(kite=["r/cars|search=Red Kite"])
    assert {key: list(table.index) for key, table in tables.items()} == {"cars-red-kite": ["a"]}
    with pytest.raises(SourceError, match=r"holds pictures from r/cars\|search=Red Kite, which are not mixed"):
        scrape_all(kite=["r/cars|search=red kite"])  # a table of the same name


def test_what_another_flair_left_under_the_same_name_is_not_gone_on_from(archive, scrape_all, root, jpeg):
    archive.add("a", jpeg(1))
    archive.change("a", link_flair_text="Old")
    table = scrape_all(car=["r/cars|flair=Old"])[0]["cars-old"].reset_index()
    root.write_table("raw_images", table.assign(source="r/cars|flair=new|since=2020"), "cars-old")
    with pytest.raises(SourceError, match=r"holds pictures from r/cars\|flair=new\|since=2020, which are not mixed"):
        scrape_all(car=["r/cars|flair=Old"])
    root.write_table("raw_images", table.assign(source="r/cars|flair=old|since=2020"), "cars-old")
    assert outcomes(scrape_all(car=["r/cars|flair=Old"])[0]["cars-old"]) == {"a": "ok"}


def test_accounts_and_multireddits_are_scraped_like_subreddits(archive, scrape_all, jpeg):
    for number, subreddit in enumerate(["cars", "trucks", "vans"]):
        archive.add(f"p{number}", jpeg(number), subreddit=subreddit)
    archive.change("p2", author="Ann_1")
    (archive.folder / "multireddits.json").write_text(json.dumps({"ann_1/m/wheels": ["cars", "vans"]}))
    tables, _ = scrape_all(a=["r/trucks+cars"], b=["u/ann_1"], c=["user/Ann_1/m/Wheels|limit=1"])
    assert {key: outcomes(table) for key, table in tables.items()} == {
        "trucks-cars": {"p0": "ok", "p1": "ok"},
        "u-ann_1": {"p2": "ok"},
        "ann_1-wheels": {"p0": "ok"},
    }
    assert set(tables["trucks-cars"]["subreddit"]) == {"trucks-cars"}
    assert set(tables["trucks-cars"]["source"]) == {"r/cars+trucks"}


def test_of_what_moves_the_preview_is_taken_where_that_is_asked_for(archive, scrape_all, jpeg):
    preview = "http://external-preview.redd.it/{}.jpg?s=1&amp;auto=webp"
    links = {"film": "https://v.redd.it/x1", "gifv": "https://i.imgur.com/a.gifv", "album": "https://imgur.com/a/b"}
    for number, (post_id, url) in enumerate(links.items()):
        archive.add(post_id, None)
        source = {"url": preview.format(post_id), "width": 160, "height": 120}
        archive.change(post_id, url=url, preview={"images": [{"source": source}]}, is_video=post_id == "film")
        (archive.folder / "media" / f"{post_id}.jpg").write_bytes(jpeg(number))
        route = {"host": "external-preview.redd.it", "path": f"/{post_id}.jpg", "query": "s=1&auto=webp"}
        archive.routes.append({**route, "file": f"{post_id}.jpg"})
    archive.add("bare", None)
    archive.change("bare", url="https://v.redd.it/x2", is_video=True)
    archive.add("article", None)
    archive.change(
        "article", url="https://news.example/x", preview={"images": [{"source": {"url": "http://x.example"}}]}
    )
    before, asked = scrape_all(car=["r/cars"])
    assert before["cars"].loc[list(links), "outcome"].eq("skipped").all()
    assert asked == ["http://news.example/x"]
    tables, asked = scrape_all(car=["r/cars|stills=true"])
    table = tables["cars"]
    assert outcomes(table) == {**dict.fromkeys(links, "ok"), "bare": "skipped", "article": "http_error"}
    assert table.loc["film", "media_url"] == "https://v.redd.it/x1"
    assert table.loc["film", "final_url"] == "http://external-preview.redd.it/film.jpg?s=1&auto=webp"
    assert sum("external-preview" in url for url in asked) == 3
    archive.change("film", preview={"images": [{"source": {"url": preview.format("other-signature")}}]})
    again, asked = scrape_all(car=["r/cars|stills=true"])  # Reddit signs its previews anew now and then
    assert asked == []
    assert again["cars"].equals(table)
    off, _ = scrape_all(car=["r/cars"])
    assert off["cars"].loc[list(links), "outcome"].eq("skipped").all()
