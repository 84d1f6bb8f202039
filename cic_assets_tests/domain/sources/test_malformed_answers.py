"""Whatever an open API answers, a source ends in media or in an error with one line."""

import itertools
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cic_assets.domain.download import Network
from cic_assets.domain.reddit import CheckedPost
from cic_assets.domain.sources import OpenAccess, SourceError
from cic_assets.domain.sources.open_sources import open_media, recheck_open
from cic_assets.domain.sources.web_api import Answer, WebApi
from cic_assets_tests.fixtures.open_collections import CONTACT, partition_of

SOURCES = ("commons:Tanks|depth=2|limit=50", "inat:monarch|limit=50", "openverse:kite")
ITEMS = {"commons": "commons-7", "inat": "inat-7", "openverse": "openverse-7"}

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
page = st.fixed_dictionaries(
    {},
    optional={
        "pageid": st.integers() | anything, "title": anything, "missing": anything, "imageinfo": anything,
        "categoryinfo": st.fixed_dictionaries({"files": st.just(3), "subcats": anything}) | anything,
    },
)  # fmt: skip
query = st.fixed_dictionaries(
    {}, optional={"pages": st.lists(page, max_size=3) | anything, "categorymembers": anything}
)
result = st.fixed_dictionaries(
    {"id": st.integers() | st.text(max_size=3)}, optional={"photos": anything, "url": anything}
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "query": query | anything, "continue": anything, "batchcomplete": anything, "error": anything,
        "results": st.lists(result, max_size=3) | anything, "page_count": anything, "detail": anything,
    },
)  # fmt: skip
statuses = st.sampled_from([200, 200, 200, 403, 404, 429, 500])


class Answering(pytest.MonkeyPatch):
    """Every API gives these answers, and then the last one again and again."""

    def __init__(self, given):
        super().__init__()
        said = itertools.chain(given, itertools.repeat(given[-1]))

        def ask(*_):
            status, content = next(said)
            return Answer(status, {}, content, json.dumps(content)[:200])

        self.setattr(WebApi, "_asked", ask)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.undo()


def ended(said, ask):
    """What came of it, and the line of its error."""
    with Answering(said):
        try:
            return ask(), ""
        except SourceError as error:
            return None, str(error)


ACCESS = OpenAccess(Network.replay("127.0.0.1", 9), contact=CONTACT, sleep=lambda _seconds: None)


@pytest.mark.parametrize("written", SOURCES)
@given(st.lists(st.tuples(statuses, answers), min_size=1, max_size=6))
def test_a_source_ends_in_media_or_in_one_line(written, said):
    partition = partition_of(written)
    media, line = ended(said, lambda: open_media(partition, ACCESS, lambda _line: None))
    assert "\n" not in line
    assert all(medium.post_id and medium.subreddit for medium in media or [])


@pytest.mark.parametrize("written", SOURCES)
@given(st.lists(st.tuples(statuses, answers), min_size=1, max_size=6))
@example([(403, {"error": "\n", "detail": "\n"})])
@example([(200, {"error": {"code": "\n", "info": "\u202e\n"}})])
def test_asking_again_ends_in_a_status_or_in_one_line(written, said):
    kind = partition_of(written).source.kind
    found, line = ended(said, lambda: recheck_open(kind, ACCESS, [ITEMS[kind]]))
    assert "\n" not in line
    assert [type(one) for one in (found or {}).values()] == ([] if line else [CheckedPost])
