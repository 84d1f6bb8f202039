"""Replayed open collections answer as their APIs do: limits, continuations, errors, and who may ask."""

import threading
from urllib.parse import urlencode

import pytest

from cic_assets.web.replay import ArchiveError, load_archive, replay

CONTACT = {"User-Agent": "test/1 (somebody@example.org)"}
COMMONS = "http://commons.wikimedia.org/w/api.php?"


@pytest.fixture
def asked(commons, ask):
    """Answers of the API to one question after another."""

    def get(*questions, headers=CONTACT):
        commons.write()
        with replay(commons.folder) as server:
            return [ask(server, COMMONS + urlencode(question), headers) for question in questions]

    return get


def question(**more):
    return {"action": "query", "format": "json", "formatversion": 2, **more}


def files(**more):
    about = {"generator": "categorymembers", "gcmtype": "file", "prop": "imageinfo", "iiprop": "url|extmetadata"}
    return question(gcmtitle="Category:Tanks", **about, **more)


def test_pages_come_by_their_number_and_go_on_by_the_order_of_names(commons, asked):
    for name in ("C", "A", "B"):
        commons.add(f"{name}.jpg", b"x", "Tanks")
    first, second = asked(files(gcmlimit=2), files(gcmlimit=2, gcmcontinue="file|46494c453a432e4a5047|1000"))
    assert [page["title"] for page in first.json["query"]["pages"]] == ["File:A.jpg", "File:B.jpg"]
    assert first.json["batchcomplete"] is True
    assert first.json["continue"] == {"gcmcontinue": "file|46494c453a432e4a5047|1000", "continue": "gcmcontinue||"}
    assert [page["title"] for page in second.json["query"]["pages"]] == ["File:C.jpg"]
    assert "continue" not in second.json


def test_ten_files_unless_more_are_asked_for(commons, asked):
    for number in range(12):
        commons.add(f"{number}.jpg", b"x", "Tanks")
    (answer,) = asked(files())
    assert len(answer.json["query"]["pages"]) == 10


def test_no_more_than_fifty_thumbnails_and_the_rest_goes_on_in_the_same_batch(commons, asked):
    for number in range(60):
        commons.add(f"{number:02}.jpg", b"x", "Tanks")
    commons.write()
    (first,) = asked(files(gcmlimit=500, iiurlwidth=960))
    assert "batchcomplete" not in first.json
    assert set(first.json["continue"]) == {"iicontinue", "continue"}
    assert sum("imageinfo" in page for page in first.json["query"]["pages"]) == 50
    (second,) = asked(files(gcmlimit=500, iiurlwidth=960, **first.json["continue"]))
    assert sum("imageinfo" in page for page in second.json["query"]["pages"]) == 10
    assert len(second.json["query"]["pages"]) == 60
    assert second.json["batchcomplete"] is True
    assert "continue" not in second.json


def test_a_single_file_goes_on_with_its_past(commons, asked):
    commons.add("A.jpg", b"x", "Tanks", older=True)
    first, second = asked(files(gcmlimit=50), files(gcmlimit=50, iistart="2020-01-01T00:00:00Z"))
    assert "iistart" in first.json["continue"]
    assert "batchcomplete" not in first.json
    assert "/archive/" in second.json["query"]["pages"][0]["imageinfo"][0]["url"]


@pytest.mark.parametrize(("width", "place"), [(960, "/960px-A.jpg"), (800, "/960px-A.jpg"), (1920, "/A.jpg")])
def test_thumbnails_have_the_next_width_that_there_is_and_never_more_than_the_file(commons, asked, width, place):
    commons.add("A.jpg", b"x", "Tanks")
    (answer,) = asked(files(iiurlwidth=width))
    info = answer.json["query"]["pages"][0]["imageinfo"][0]
    assert info["thumburl"].partition("?")[0].endswith(place)
    assert "utm_source=commons.wikimedia.org" in info["thumburl"]


def test_errors_come_as_answers(commons, asked):
    commons.add("A.jpg", b"x", "Tanks")
    unnamed, mixed, many, other = asked(
        {**files(), "gcmtitle": "Tanks"},
        files(gcmcontinue="nonsense"),
        question(prop="imageinfo", pageids="|".join(map(str, range(51)))),
        {"action": "edit"},
    )
    codes = [answer.json["error"]["code"] for answer in (unnamed, mixed, many, other)]
    assert codes == ["invalidcategory", "badcontinue", "toomanyvalues", "unknown_action"]
    assert {answer.status for answer in (unnamed, mixed, many, other)} == {200}


def test_an_unknown_category_answers_like_an_empty_one_but_for_its_counts(commons, asked):
    commons.add("A.jpg", b"x", "Tanks")
    nothing, counts = asked(
        {**files(), "gcmtitle": "Category:Nothing"},
        question(prop="categoryinfo", titles="Category:Tanks|Category:Nothing"),
    )
    assert nothing.json == {"batchcomplete": True}
    known, unknown = counts.json["query"]["pages"]
    assert (known["categoryinfo"]["files"], unknown.get("missing")) == (1, True)


@pytest.mark.parametrize("agent", ["", "python-requests/2.32", "curl/8"])
def test_libraries_are_refused(commons, asked, agent):
    commons.add("A.jpg", b"x", "Tanks")
    (answer,) = asked(files(), headers={"User-Agent": agent})
    assert (answer.status, b"robot policy" in answer.body) == (403, True)


def test_ten_questions_a_minute_without_a_contact(commons, asked):
    commons.add("A.jpg", b"x", "Tanks")
    without = asked(*[files()] * 11, headers={"User-Agent": "test/1"})
    assert [answer.status for answer in without] == [200] * 10 + [429]
    assert without[-1].headers["content-type"].startswith("text/plain")
    assert [answer.status for answer in asked(*[files()] * 11)] == [200] * 11


def test_a_recorded_answer_goes_before_what_the_api_would_say(commons, asked):
    commons.add("A.jpg", b"x", "Tanks")
    commons.routes.append({"host": "commons.wikimedia.org", "path": "/w/api.php", "status": 503, "body": "recorded"})
    (answer,) = asked(files())
    assert (answer.status, answer.body) == (503, b"recorded")


def test_media_hosts_take_two_connections_and_certain_widths(commons, ask):
    commons.add("A.jpg", b"picture", "Tanks", route={"status": 200, "body": "slow", "delay": 1})
    commons.write()
    url = f"http://upload.wikimedia.org{commons.routes[0]['path']}"
    with replay(commons.folder) as server:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ask(server, url))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        odd = ask(server, "http://thumb.wikimedia.org/wikipedia/commons/thumb/a/ab/A.jpg/800px-A.jpg")
        assert server.media.refused == {"at once": 1, "width": 1}
    assert sorted(answer.status for answer in answers) == [200, 200, 429]
    assert (odd.status, b"w.wiki/GHai" in odd.body) == (429, True)


@pytest.mark.parametrize("text", ["[]\n", "{\n"])
def test_what_makes_no_sense_is_named_before_anything_is_served(commons, text):
    commons.write()
    (commons.folder / "commons" / "files.jsonl").write_text(text)
    with pytest.raises(ArchiveError, match=r"files\.jsonl:1: "):
        replay(commons.folder)


def test_an_archive_needs_no_subreddits(commons, tmp_path):
    commons.write()
    assert load_archive(commons.folder).subreddits == {}
    with pytest.raises(ArchiveError, match="not an archive"):
        load_archive(tmp_path)
