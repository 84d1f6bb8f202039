"""From a post to its media: one row for each, whatever the post is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import RedditSettings, media_of


def _post(**fields):
    url = fields.pop("url", "https://i.redd.it/Abc.jpg")
    return {
        "id": "p1",
        "subreddit": "cars",
        "title": "A <b>car</b>",
        "author": "somebody",
        "permalink": "/r/cars/comments/p1/a_car/",
        "created_utc": 1700000000.0,
        "score": 12,
        "url": url,
        "url_overridden_by_dest": url,
        "link_flair_text": "OC",
        **fields,
    }


def _metadata(media_id, **fields):
    source = {"u": f"https://preview.redd.it/{media_id}.jpg?width=640&amp;format=pjpg&amp;s=1f", "x": 640, "y": 480}
    return {media_id: {"status": "valid", "e": "Image", "m": "image/jpg", "id": media_id, "s": source, **fields}}


def _gallery(*media, order=None, **fields):
    metadata = {media_id: about for item in media for media_id, about in item.items()}
    items = [{"media_id": media_id, "id": number} for number, media_id in enumerate(order or metadata)]
    url = "https://www.reddit.com/gallery/p1"
    return _post(is_gallery=True, gallery_data={"items": items}, media_metadata=metadata, url=url, **fields)


def _one(post, settings=None):
    (medium,) = media_of(post, settings)
    return medium


def _urls(post):
    return [medium.media_url for medium in media_of(post)]


def test_a_link_to_a_picture():
    medium = _one(_post())
    assert (medium.media_url, medium.known_outcome, medium.reason) == ("https://i.redd.it/Abc.jpg", None, "")
    assert (medium.post_id, medium.subreddit, medium.position) == ("p1", "cars", 0)
    assert (medium.title, medium.author, medium.flair) == ("A <b>car</b>", "somebody", "OC")
    assert (medium.created_utc, medium.score, medium.over_18) == (1700000000.0, 12, False)
    assert medium.permalink == "https://www.reddit.com/r/cars/comments/p1/a_car/"
    assert (medium.fallback_url, medium.crosspost_of) == (None, None)


def test_it_is_filed_under_the_name_it_was_asked_by():
    assert media_of(_post(subreddit="CarPorn"), subreddit="carporn")[0].subreddit == "carporn"


@pytest.mark.parametrize(
    "url",
    [
        "http://www.example.com/IMG_4960.JPG",
        "http://www.example.com/MC20-Nr.778.jpg?itok=YvE6AErL&copy=1&lt=2",
        "http://images.example.com/y02r19hh5l9mx",
        "http://169.254.169.254/latest/meta-data",
        "ftp://example.com/a.jpg",
        "http://www.example.com/files/a-jpg-gallery",
    ],
)
def test_links_are_kept_as_they_are_and_asked(url):
    medium = _one(_post(url=url))
    assert (medium.media_url, medium.known_outcome) == (url, None)


def test_what_reddit_escapes_is_unescaped():
    assert _urls(_post(url=" https://example.com/a?x=1&amp;y=&lt;2&gt; ")) == ["https://example.com/a?x=1&y=<2>"]


def test_the_signed_preview_is_the_fallback():
    source = {"url": "https://preview.redd.it/Abc.jpg?auto=webp&amp;s=f00", "width": 1200, "height": 800}
    medium = _one(_post(preview={"images": [{"source": source, "resolutions": []}], "enabled": True}))
    assert medium.fallback_url == "https://preview.redd.it/Abc.jpg?auto=webp&s=f00"


PREVIEW = {"images": [{"source": {"url": "https://external-preview.redd.it/x.png"}}]}


@pytest.mark.parametrize(
    ("fields", "has_fallback"),
    [
        ({"url": "https://imgur.com/aBc12"}, True),
        ({"url": "https://www.example.com/IMG_1.JPG"}, True),
        ({"url": "https://i.redd.it/abc"}, True),
        ({"url": "https://www.example.com/render?id=7", "post_hint": "image"}, True),
        ({"url": "https://news.example.com/tanks-again", "post_hint": "link"}, False),
        ({"url": "https://news.example.com/tanks-again"}, False),
    ],
)
def test_what_a_page_shows_of_itself_is_no_picture_of_the_post(fields, has_fallback):
    medium = _one(_post(preview=PREVIEW, **fields))
    assert medium.media_url == fields["url"]
    assert (medium.fallback_url is not None) == has_fallback


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"url": "https://v.redd.it/abc"}, "video"),
        ({"is_video": True}, "video"),
        ({"post_hint": "hosted:video"}, "video"),
        ({"post_hint": "rich:video"}, "video"),
        ({"url": "https://i.imgur.com/abc.gifv"}, "video"),
        (
            {"url": "https://imgur.com/a/abc", "post_hint": "image"},
            "imgur album: who asks what is in it needs a key of imgur's",
        ),
        ({"is_self": True, "url": "https://www.reddit.com/r/x/"}, "text post"),
        ({"removed_by_category": "moderator"}, "removed"),
        ({"removed_by_category": "deleted"}, "deleted by its author"),
        ({"over_18": True}, "over 18"),
        ({"is_gallery": True, "gallery_data": None, "media_metadata": None}, "gallery without pictures"),
        (
            {"is_gallery": True, "gallery_data": None, "removed_by_category": "deleted", "post_hint": "image"},
            "deleted by its author",
        ),
        ({"url": "https://www.reddit.com/r/tanks/comments/2/x/"}, "link to a page of Reddit"),
        ({"url": "", "permalink": ""}, "link to a page of Reddit"),
    ],
)
def test_what_is_known_not_to_be_a_picture_is_one_row_that_says_why(fields, why):
    medium = _one(_post(preview={"images": [{"source": {"url": "https://preview.redd.it/x.jpg"}}]}, **fields))
    assert (medium.known_outcome, medium.reason) == (Outcome.SKIPPED, why)
    assert medium.media_url.startswith("https://")
    assert medium.fallback_url is None


def test_a_gallery_is_its_pictures_in_order_and_full_size():
    post = _gallery(
        _metadata("aaa"), _metadata("bbb", m="image/png"), _metadata("ccc", m="image/webp"), order=["ccc", "aaa", "bbb"]
    )
    media = media_of(post)
    assert [medium.media_url for medium in media] == [
        "https://i.redd.it/ccc.webp",
        "https://i.redd.it/aaa.jpg",
        "https://i.redd.it/bbb.png",
    ]
    assert [medium.position for medium in media] == [0, 1, 2]
    assert media[1].fallback_url == "https://preview.redd.it/aaa.jpg?width=640&format=pjpg&s=1f"
    assert {medium.known_outcome for medium in media} == {None}


def test_the_pictures_of_a_recorded_gallery_are_where_its_previews_are():
    post = _gallery(_metadata("aaa", s={"u": "http://preview.redd.it/aaa.jpg", "x": 1, "y": 1}))
    assert _urls(post) == ["http://i.redd.it/aaa.jpg"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "failed"}, "Reddit could not process this picture"),
        ({"status": "unprocessed", "s": None}, "Reddit could not process this picture"),
        ({"m": "image/unheard-of"}, "Reddit could not process this picture"),
        ({"m": None}, "Reddit could not process this picture"),
        ({"e": "RedditVideo", "m": None}, "video"),
    ],
)
def test_media_of_a_gallery_that_are_no_still_pictures_are_rows_too(fields, why):
    media = media_of(_gallery(_metadata("aaa"), _metadata("bbb", **fields)))
    assert [medium.reason for medium in media] == ["", why]
    assert [medium.position for medium in media] == [0, 1]


def test_an_animated_picture_is_a_picture_in_a_gallery_as_in_a_link():
    source = {"gif": "https://i.redd.it/aaa.gif", "mp4": "https://preview.redd.it/aaa.gif?format=mp4", "x": 6, "y": 4}
    in_gallery = _one(_gallery(_metadata("aaa", e="AnimatedImage", m="image/gif", s=source)))
    linked = _one(_post(url="https://i.redd.it/aaa.gif"))
    for medium in (in_gallery, linked):
        assert (medium.media_url, medium.known_outcome) == ("https://i.redd.it/aaa.gif", None)


def test_a_gallery_item_without_metadata_is_a_row():
    media = media_of(_gallery(_metadata("aaa"), order=["aaa", "zzz"]))
    assert [medium.known_outcome for medium in media] == [None, Outcome.SKIPPED]


def test_a_gallery_that_lost_its_order_still_has_its_pictures():
    post = _gallery(_metadata("aaa"), _metadata("bbb"))
    assert len(_urls({**post, "gallery_data": None})) == 2


def test_a_media_id_makes_no_other_url():
    medium = _one(_gallery(_metadata("../../x?y#z")))
    assert medium.known_outcome == Outcome.SKIPPED


def test_pictures_within_a_text_are_taken_and_emotes_are_not():
    metadata = {**_metadata("aaa"), **_metadata("emote|t5_2qh1|7"), **_metadata("bbb")}
    post = _post(is_self=True, selftext="words", media_metadata=metadata, url="https://www.reddit.com/r/cars/")
    assert _urls(post) == ["https://i.redd.it/aaa.jpg", "https://i.redd.it/bbb.jpg"]


def _crosspost(original, **fields):
    return _post(
        id="p2",
        url="/r/tanks/comments/p1/a_car/",
        crosspost_parent="t3_p1",
        crosspost_parent_list=[] if original is None else [original],
        **fields,
    )


def test_a_crosspost_has_the_picture_of_the_post_that_it_repeats():
    medium = _one(_crosspost(_post(title="another", score=1), title="mine", score=5))
    assert (medium.media_url, medium.crosspost_of) == ("https://i.redd.it/Abc.jpg", "p1")
    assert (medium.post_id, medium.title, medium.score) == ("p2", "mine", 5)


def test_a_crosspost_of_a_gallery_has_all_its_pictures():
    media = media_of(_crosspost(_gallery(_metadata("aaa"), _metadata("bbb"))))
    assert [(medium.media_url, medium.position, medium.crosspost_of) for medium in media] == [
        ("https://i.redd.it/aaa.jpg", 0, "p1"),
        ("https://i.redd.it/bbb.jpg", 1, "p1"),
    ]


@pytest.mark.parametrize(
    ("original", "fields", "why"),
    [
        (None, {}, "crosspost of a post that is gone"),
        ({}, {}, "crosspost of a post that is gone"),
        (_post(removed_by_category="moderator"), {}, "removed"),
        (_post(), {"removed_by_category": "deleted"}, "deleted by its author"),
        (_post(over_18=True), {}, "over 18"),
        (_post(), {"over_18": True}, "over 18"),
        (_post(is_self=True), {}, "text post"),
        (_post(is_video=True), {}, "video"),
    ],
)
def test_a_crosspost_without_a_picture_says_why(original, fields, why):
    medium = _one(_crosspost(original, **fields))
    assert (medium.known_outcome, medium.reason, medium.crosspost_of) == (Outcome.SKIPPED, why, "p1")


@pytest.mark.parametrize(
    ("settings", "fields", "why"),
    [
        ({"flair_include": ["OC", "Photo"]}, {"link_flair_text": " oc "}, ""),
        ({"flair_include": ["Photo"]}, {}, "flair 'OC' is not in flair_include"),
        ({"flair_include": ["Photo"]}, {"link_flair_text": None}, "no flair"),
        ({"flair_exclude": ["oc"]}, {}, "flair 'OC' is in flair_exclude"),
        ({"flair_exclude": ["oc"]}, {"link_flair_text": None}, ""),
        ({"min_score": 13}, {}, "score under 13"),
        ({"min_score": 12}, {}, ""),
        ({"hosts_allow": ["redd.it"]}, {}, ""),
        ({"hosts_allow": ["imgur.com"]}, {}, "host i.redd.it is not in hosts_allow"),
        ({"hosts_deny": ["I.Redd.it"]}, {}, "host i.redd.it is in hosts_deny"),
        ({"hosts_deny": ["edd.it"]}, {}, ""),
        ({"over_18": True}, {"over_18": True}, ""),
    ],
)
def test_filters_of_the_settings(settings, fields, why):
    medium = _one(_post(**fields), RedditSettings(**settings))
    assert medium.reason == why
    assert medium.known_outcome == (Outcome.SKIPPED if why else None)


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"min_width": 641}, "width under 641"), ({"min_height": 481}, "height under 481"), ({"min_width": 640}, "")],
)
def test_sizes_that_reddit_says_are_filtered_and_unknown_ones_are_not(settings, why):
    settings = RedditSettings(**settings)
    assert _one(_gallery(_metadata("aaa")), settings).reason == why
    source = {"url": "https://preview.redd.it/Abc.jpg", "width": 640, "height": 480}
    assert _one(_post(preview={"images": [{"source": source}]}), settings).reason == why
    assert _one(_post(), settings).reason == ""


def test_a_permalink_leads_to_reddit_and_nowhere_else():
    for permalink in ("javascript:alert(1)", "https://evil.example.com/", None, ""):
        assert _one(_post(permalink=permalink)).permalink == "https://www.reddit.com/comments/p1"
    assert _one(_post(permalink="//evil.example.com/")).permalink == "https://www.reddit.com//evil.example.com/"


def test_fields_of_the_wrong_type_are_as_if_they_were_missing():
    medium = _one(_post(title=None, author=["x"], created_utc="1700000000", score="12", link_flair_text=3, preview=[1]))
    assert (medium.title, medium.author, medium.flair) == ("", "", "")
    assert (medium.created_utc, medium.score) == (1700000000.0, 12)


def test_a_post_without_an_id_can_have_no_row():
    with pytest.raises(ValueError, match="a post without an id"):
        media_of({"title": "x"})


_NAMES = st.sampled_from(
    ["items", "media_id", "images", "source", "url", "width", "s", "u", "x", "y", "m", "e", "status", "id", "over_18"]
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.just("deleted"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(
    [
        "url",
        "url_overridden_by_dest",
        "preview",
        "gallery_data",
        "media_metadata",
        "is_gallery",
        "is_self",
        "is_video",
        "post_hint",
        "crosspost_parent",
        "crosspost_parent_list",
        "removed_by_category",
        "link_flair_text",
        "created_utc",
        "score",
        "permalink",
        "over_18",
    ]
)


@given(st.dictionaries(_FIELDS, _JSON))
def test_every_post_ends_in_rows_whatever_it_holds(fields):
    media = media_of({**json.loads(json.dumps(fields)), "id": "p1"})
    assert media
    assert [medium.position for medium in media] == list(range(len(media)))
    for medium in media:
        assert medium.media_url
        assert (medium.known_outcome is None) == (medium.reason == "")
