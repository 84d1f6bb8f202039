"""Archives on disk: what is read, and the one line that is said of each mistake."""

import json

import pytest

from cic_assets.web.replay import ArchiveError, load_archive


def test_an_archive_is_read_whole(maker):
    maker.subreddit("Cars", [maker.post(id="abc")])
    maker.media("abc.jpg", b"picture")
    maker.route("i.redd.it", "/abc.jpg", file="abc.jpg")
    archive = load_archive(maker.directory)
    assert [post["id"] for post in archive.subreddits["cars"].posts] == ["abc"]
    assert archive.subreddits["cars"].name == "Cars"
    assert archive.posts["t3_abc"]["title"] == "Title of abc"
    assert archive.route("I.Redd.It", "/abc.jpg", "").file == "abc.jpg"


def test_routes_and_states_are_optional(maker):
    maker.subreddit("cars", [])
    assert load_archive(maker.directory).routes == {}


def test_what_a_post_may_leave_out_is_filled_in(maker):
    maker.subreddit("cars", [{"id": "abc", "created_utc": 1}])
    post = load_archive(maker.directory).posts["t3_abc"]
    assert (post["subreddit"], post["score"], post["title"]) == ("cars", 0, "")


def test_a_subreddit_may_have_a_state_and_no_posts(maker):
    maker.states(Secret={"status": "private"})
    assert load_archive(maker.directory).subreddits["secret"].state.status == "private"


def test_a_query_is_matched_exactly_and_none_matches_any(maker):
    maker.route("example.com", "/a.jpg", query="x=Y", status=200)
    maker.route("example.com", "/b.jpg", status=201)
    archive = load_archive(maker.directory)
    assert archive.route("example.com", "/a.jpg", "x=Y") is not None
    assert archive.route("example.com", "/a.jpg", "x=y") is None
    assert archive.route("example.com", "/a.jpg", "") is None
    assert archive.route("example.com", "/A.jpg", "x=Y") is None
    assert archive.route("example.com", "/b.jpg", "any=thing").status == 201


def test_the_same_route_twice_is_one(maker):
    maker.route("example.com", "/a.jpg", status=200)
    maker.route("example.com", "/a.jpg", status=200)
    assert load_archive(maker.directory).route("example.com", "/a.jpg", "").status == 200


def test_escapes_in_paths_are_equal_to_what_they_stand_for(maker):
    maker.route("example.com", "/a%20b.jpg", status=200)
    assert load_archive(maker.directory).route("example.com", "/a b.jpg", "") is not None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "Invalid JSON"),
        ("[]", "input should be an object"),
        ('{"host": "h"}', "path: Field required"),
        ('{"host": "h", "path": "a", "status": 200}', "path: String should match pattern"),
        ('{"host": "h", "path": "/a", "statsu": 200}', "statsu: Extra inputs are not permitted"),
        ('{"host": "h", "path": "/a", "status": "200"}', "status: Input should be a valid integer"),
        ('{"host": "h", "path": "/a", "status": 99}', "status: Input should be greater than or equal to 200"),
        ('{"host": "h", "path": "/a"}', "a route needs an answer"),
        ('{"host": "h", "path": "/a", "redirect": "self", "status": 200}', "redirect and status or body"),
        ('{"host": "h", "path": "/a", "status": 404, "no_length": true}', "need a file or a body"),
        ('{"host": "h", "path": "/a", "file": "none.jpg"}', "file: there is no"),
        ('{"host": "h", "path": "/a", "file": "../routes.jsonl"}', "file: String should match pattern"),
        ('{"host": "h", "path": "/a", "file": "a.jpg", "claim_length": 3}', "expected more than the 3 bytes of a.jpg"),
        ('{"host": "h", "path": "/a", "status": 200, "type": "a\\r\\nb: c"}', "type: String should match pattern"),
        ('{"host": "h", "path": "/a", "fail": [42], "status": 200}', "fail.0: "),
        ('{"host": "h", "path": "/a", "status": 200, "retry_after": "soon"}', "retry_after: "),
        ('{"host": "h", "path": "/first", "status": 404}', "a second, different route for http://h/first"),
    ],
)
def test_a_wrong_route_is_named_by_file_and_line(maker, line, said):
    maker.media("a.jpg", b"abc")
    maker.route("h", "/first", status=200)
    with (maker.directory / "routes.jsonl").open("a") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(ArchiveError) as error:
        load_archive(maker.directory)
    assert f"{maker.directory / 'routes.jsonl'}:3: " in str(error.value)
    assert said.lower() in str(error.value).lower()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("3", "expected a JSON object, found int"),
        (json.dumps({"created_utc": 1}), "id: expected Reddit's id"),
        (json.dumps({"id": "../x", "created_utc": 1}), "found '../x'"),
        (json.dumps({"id": "abc"}), "created_utc: expected seconds since 1970, found None"),
        ('{"id": "abc", "created_utc": 1, "score": NaN}', "not JSON: NaN is no number in JSON"),
        ('{"id": "abc", "created_utc": 1e999}', "created_utc: expected seconds since 1970, found inf"),
        (json.dumps({"id": "abc", "created_utc": True}), "created_utc: expected seconds since 1970, found True"),
        (json.dumps({"id": "first", "created_utc": 1}), "the post 'first' is there twice"),
    ],
)
def test_a_wrong_post_is_named_by_file_and_line(maker, line, said):
    path = maker.directory / "subreddits" / "cars.jsonl"
    path.write_text(json.dumps({"id": "first", "created_utc": 2}) + "\n" + line + "\n")
    with pytest.raises(ArchiveError) as error:
        load_archive(maker.directory)
    assert str(error.value).startswith(f"{path}:2: ")
    assert said in str(error.value)


def test_a_wrong_state_is_named(maker):
    maker.states(cars={"status": "closed"})
    with pytest.raises(ArchiveError, match=r"subreddits\.json: cars\.status: .*'private'.*found 'closed'"):
        load_archive(maker.directory)


def test_a_file_that_is_no_subreddit_is_named(maker):
    maker.subreddit("not a name", [])
    with pytest.raises(ArchiveError, match="'not a name' is not a subreddit's name"):
        load_archive(maker.directory)


def test_a_folder_that_is_no_archive_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r"not an archive: it has no folder subreddits/"):
        load_archive(tmp_path)
