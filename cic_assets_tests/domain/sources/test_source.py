import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cic_assets.domain.sources import Source, SourceKind, name_partitions


@pytest.mark.parametrize(
    ("text", "kind", "value", "stem"),
    [
        ("r/CarPorn", SourceKind.SUBREDDIT, "CarPorn", "carporn"),
        ("folder:pictures/My Cars", SourceKind.FOLDER, "pictures/My Cars", "my-cars"),
        ("folder:.", SourceKind.FOLDER, ".", "source"),
        ("urls:lists/cars.csv", SourceKind.URLS, "lists/cars.csv", "cars"),
        ("folder:sets/cars.zip/train/car", SourceKind.FOLDER, "sets/cars.zip/train/car", "car"),
        ("kaggle:somebody/cars-and-tanks", SourceKind.KAGGLE, "somebody/cars-and-tanks", "cars-and-tanks"),
        ("kaggle:a/b/versions/3/train/Tanks", SourceKind.KAGGLE, "a/b/versions/3/train/Tanks", "tanks"),
        ("dump:RS_2023-01.zst", SourceKind.DUMP, "RS_2023-01.zst", "rs_2023-01"),
    ],
)
def test_sources_as_people_write_them(text, kind, value, stem):
    source = Source.model_validate(text)
    assert (source.kind, source.value, source.stem) == (kind, value, stem)
    assert str(source) == text


@pytest.mark.parametrize("text", ["cars", "r/", "r/a", "r/a b", "r/_cars", "r/" + "a" * 22, "http://x", "folder:", ""])
def test_what_is_no_source_is_refused(text):
    with pytest.raises(ValidationError, match="expected r/"):
        Source.model_validate(text)


@pytest.mark.parametrize("text", ["kaggle:cars", "kaggle:a b/c", "kaggle:/a", "kaggle:a/b/", "kaggle:../b"])
def test_what_is_no_data_set_of_kaggle_is_refused(text):
    with pytest.raises(ValidationError, match="expected kaggle:OWNER/NAME"):
        Source.model_validate(text)


@given(st.text())
def test_any_text_is_a_source_or_refused(text):
    try:
        source = Source.model_validate(text)
    except ValidationError:
        return
    assert source.stem
    assert Source.model_validate(str(source)) == source


def test_only_paths_are_relative_to_the_file():
    assert Source.model_validate("r/cars").relative_to(Path("/here")).value == "cars"
    assert Source.model_validate("kaggle:a/b").relative_to(Path("/here")).value == "a/b"
    assert Source.model_validate("folder:a").relative_to(Path("/here")).value == "/here/a"
    assert Source.model_validate("folder:/a").relative_to(Path("/here")).value == "/a"
    assert Source.model_validate("folder:../../a").relative_to(Path("/here/and/there")).value == "/here/a"
    assert Source.model_validate("folder:../a/../b").relative_to(Path("/here/and")).value == "/here/a/../b"


@pytest.mark.parametrize(
    ("written", "one_line", "stem"),
    [
        ("commons:Category:tanks_in museums", "commons:Tanks in museums", "tanks-in-museums"),
        ("commons:Tanks|depth=1|width=960", "commons:Tanks|depth=1|width=960", "tanks"),
        ({"commons": "Tanks", "width": "original", "depth": 1}, "commons:Tanks|depth=1|width=original", "tanks"),
        ({"commons": "Tanks", "depth": 0, "width": 1280}, "commons:Tanks", "tanks"),
        ("commons:Who is it? (1=2)", "commons:Who is it? (1=2)", "who-is-it-1-2"),
        ("openverse:Red  Kite", "openverse:red kite", "red-kite"),
        ({"inat": "Danaus plexippus", "limit": 20}, "inat:danaus plexippus|limit=20", "danaus-plexippus"),
        ({"r": "cars"}, "r/cars", "cars"),
        ("r/Cars|flair=Classic Cars", "r/cars|flair=classic cars", "cars-classic-cars"),
        ({"r": "Trucks+cars+CARS", "stills": True}, "r/cars+trucks|stills=true", "trucks-cars-cars"),
        (
            {"r": "cars", "flair": "a|b=100%7C", "since": 2023},
            "r/cars|flair=a%7Cb=100%257c|since=2023",
            "cars-a-b-100-7c-HASH",
        ),
        ({"r": "cars", "flair": "../..", "limit": 5}, "r/cars|flair=../..|limit=5", "cars-HASH"),
        ("u/Some-Body", "u/some-body", "u-some-body"),
        ("user/Some-Body/m/Wheels", "user/some-body/m/wheels", "some-body-wheels"),
        ({"dump": "/x/RS_2020.zst", "subreddit": "Cars"}, "dump:/x/RS_2020.zst|subreddit=cars", "rs_2020-cars"),
    ],
)
def test_open_sources_and_their_options(written, one_line, stem):
    source = Source.model_validate(written)
    assert str(source.canonical) == one_line
    assert re.fullmatch(stem.replace("HASH", "[0-9a-f]{8}"), source.stem)
    assert Source.model_validate(str(source)) == source
    assert Source.model_validate(source.model_dump()) == source


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ({"commons": "Tanks", "width": 1024}, "width: found '1024', expected a width that Wikimedia makes, 250, 330,"),
        ({"commons": "Tanks", "depth": 6}, "depth: found '6', expected how many levels of subcategories, 0 to 5"),
        ({"commons": "Tanks", "depth": -1}, "depth: found '-1'"),
        ({"commons": "Tanks", "deep": 1}, "deep is no option of commons: expected depth, width, limit"),
        ({"commons": "Tanks", "folder": "x"}, "expected r/NAME"),
        ({"folder": "tanks", "depth": 1}, "depth: folder has no options"),
        ("commons:Tanks|depth=1|depth=2", "depth is given twice"),
        ("commons:Tanks [x]", "expected commons: and the name of a category"),
        ("commons:Category:", "expected commons: and the name of a category"),
        ("r/cars|flair=", "flair: found '', expected the flair that its posts have"),
        ({"r": "cars", "flair": ["a", "b"]}, "flair: found ['a', 'b'], expected one value"),
        ("r/cars|since=2023-02-30", "since: found '2023-02-30', expected a year, month or day, such as 2023, 2023-05"),
        ("r/cars|until=0000", "until: found '0000', expected a year"),
        ("r/cars|flair=a\x00b", "flair: found 'a\\x00b'"),
        ("r/cars|stills=maybe", "stills: found 'maybe', expected true or false"),
        ("r/cars|subreddit=x", "subreddit is no option of r: expected flair, since, until, limit, stills, search"),
        ("u/somebody|search=x", "search is no option of u"),
        ("u/a b", "expected u/ and the name of an account"),
        ("user/somebody", "expected user/NAME/m/MULTIREDDIT"),
        ("user/somebody/m/../../x", "expected user/NAME/m/MULTIREDDIT"),
        ("r/cars+", "expected r/ and the name of a subreddit"),
        ("openverse:kite|limit=241", "limit: found '241', expected a number of pictures, at most 240"),
        (f"openverse:{'k' * 201}", "expected at most 200 characters"),
    ],
)
def test_what_an_open_source_cannot_be(written, mistake):
    with pytest.raises(ValidationError, match=re.escape(mistake)):
        Source.model_validate(written)


@given(st.sampled_from(["commons", "inat", "openverse"]), st.text())
def test_any_name_of_an_open_source_is_read_back_or_refused(kind, name):
    try:
        source = Source.model_validate(f"{kind}:{name}")
    except ValidationError:
        return
    assert Source.model_validate(str(source)) == source
    assert source.canonical.canonical == source.canonical
    assert source.stem


@given(st.text(), st.text())
def test_any_flair_and_search_are_read_back_or_refused_and_make_no_path(flair, search):
    try:
        source = Source.model_validate({"r": "cars", "flair": flair, "search": search})
    except ValidationError:
        return
    assert Source.model_validate(str(source)) == source
    assert source.canonical.canonical == source.canonical
    assert re.fullmatch("[a-z0-9_-]{1,60}", source.stem)


@pytest.mark.parametrize(
    "written",
    [
        [
            f"r/cars|flair={flair}"
            for flair in ("SUV?", "SUV!", "\u8eca", "\u6226\u8eca", "\U0001f697", "a-b", "a  b", "a b")
        ],
        [f"r/cars|search={'x' * 60} {number}" for number in range(3)],
        [f"r/{'+'.join(f'sub{number:02}' for number in range(99))}+{last}" for last in ("one", "two")],
        [f"dump:a.zst|flair={flair}" for flair in ("\u8eca", "\u6226")],
    ],
)
def test_a_source_keeps_its_name_whatever_others_there_are(written):
    sources = [Source.model_validate(one) for one in written]
    for count in range(1, len(sources) + 1):
        named = name_partitions({"car": sources[-count:]})
        assert {partition.source: key for key, partition in named.items()} == {
            source: source.stem for source in sources[-count:]
        }


def test_the_same_source_has_one_name_however_it_is_written():
    for one, other in [("stra\u00dfe!", "STRASSE!"), ("SUV?", "suv?"), ("stra\u00dfe", "Strasse")]:
        names = {Source.model_validate({"r": "cars", "flair": flair}).stem for flair in (one, other)}
        assert len(names) == 1


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("r/cars", "r/Cars|flair=old", True),
        ("r/cars|flair=new", "r/cars|flair=old", False),
        ("r/cars|flair=Old", "r/cars|flair=old|since=2020", True),
        ("r/cars+trucks", "r/vans+cars", True),
        ("r/cars", "r/trucks", False),
        ("r/cars|search=red", "r/cars|search=blue", False),
        ("r/cars", "u/cars", False),
        ("dump:/a.zst|subreddit=cars", "dump:/a.zst|subreddit=vans", False),
        ("dump:/a.zst|subreddit=cars", "dump:/a.zst", True),
        ("folder:/a", "folder:/a", False),
        ("dump:/a/c++/x.zst", "dump:/b/c++/y.zst", False),
        ("dump:/a+b.zst", "dump:/a+c.zst", False),
        ("dump:/a+b.zst", "dump:/a+b.zst|since=2020", True),
    ],
)
def test_which_sources_may_take_the_same_post(one, other, share):
    first, second = Source.model_validate(one), Source.model_validate(other)
    assert first.shares_posts_with(second) is second.shares_posts_with(first) is share
