"""`commons:CATEGORY`: the files of a category of Wikimedia Commons, and of its subcategories where that is asked for.

Its API answers in parts, and has its traps: the same files come again until `batchcomplete`, some of them without what
was said of them before; what `continue` holds is sent back whole, and nothing of an earlier one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from cic_assets.domain.hostile import plain_text
from cic_assets.domain.media import Medium
from cic_assets.domain.reddit import CheckedPost, PostStatus
from cic_assets.domain.retrying import retry_after
from cic_assets.domain.sources.commons_files import ID, SITE, Page, image_info, medium_of
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.open_access import OpenAccess
from cic_assets.domain.sources.options import ORIGINAL
from cic_assets.domain.sources.source import Partition
from cic_assets.domain.sources.web_api import Answer, Wait, WebApi, by_status

HOST = "commons.wikimedia.org"
PATH = "/w/api.php"

FILES_A_REQUEST = 50
"""More thumbnails it does not look up in one answer; and of page ids it takes no more."""
_NAMES_A_REQUEST = 500

MOST_CATEGORIES = 500
"""Whoever meets more has left what the category is about."""

_LAG = 5
"""Seconds that Wikimedia's own copies may be behind; who asks sooner is told to wait."""
_PATIENCE = {"maxlag": float(_LAG), "ratelimited": 60.0, "readonly": 60.0}
"""Errors that pass, and seconds to wait where nobody says how long."""
_ABOUT = "|".join(
    (
        "Artist", "Attribution", "LicenseShortName", "LicenseUrl", "License", "NonFree", "DeletionReason",
    )
)  # fmt: skip


class CategoryInfo(NamedTuple):
    """A category, and how many files and subcategories it has."""

    name: str
    files: int
    subcategories: int


def commons_api(access: OpenAccess) -> WebApi:
    """A client: one question at a time, at most one a second.

    Raises:
        SourceError: nobody says who runs this.
    """
    agent, pace = access.user_agent("Wikimedia Commons"), access.pace("commons", 1, 1.0)
    return WebApi("Wikimedia Commons", HOST, agent, access.network, pace, judge, access.sleep)


def commons_media(partition: Partition, access: OpenAccess, on_progress: Callable[[str], None]) -> list[Medium]:
    """What `commons:CATEGORY` offers, breadth first, each file once.

    Raises:
        SourceError: there is no such category, nothing is in it, or Commons cannot be asked.
    """
    source = partition.source.canonical
    width = source.option("width")
    asked = _Category(commons_api(access), str(source), on_progress)
    depth, limit = int(source.option("depth")), int(source.option("limit"))
    asked.check(source.value, depth)
    media: dict[int, Medium] = {}
    for category, way in asked.walk(source.value, depth):
        for page in asked.files(category, None if width == ORIGINAL else int(width)):
            if page["pageid"] not in media:
                medium = medium_of(page, way, partition.key, None if width == ORIGINAL else int(width), access)
                media[page["pageid"]] = medium
            if len(media) >= limit:
                on_progress(f"{source}: {limit} files are read, as many as `limit` says: what is left is not looked at")
                return list(media.values())
        on_progress(f"{source}: {len(media)} files, {way} read")
    return list(media.values())


def existing_categories(access: OpenAccess, names: Collection[str]) -> dict[str, CategoryInfo]:
    """Those of at most 50 categories that are there and have something in them, by their names.

    Raises:
        SourceError: Commons cannot be asked.
    """
    found = _infos(commons_api(access), names, "categories")
    return {one.name: one for one in found if one.files or one.subcategories}


def recheck_commons(access: OpenAccess, ids: Collection[str]) -> dict[str, CheckedPost]:
    """Which files are still there, by their ids; each is in the answer.

    Raises:
        SourceError: Commons cannot be asked.
    """
    api, statuses = commons_api(access), dict.fromkeys(ids, CheckedPost(PostStatus.MISSING))
    numbers = [name.removeprefix(ID) for name in statuses]
    for start in range(0, len(numbers), FILES_A_REQUEST):
        some = "|".join(numbers[start : start + FILES_A_REQUEST])
        params = {"prop": "imageinfo", "iiprop": "size", "pageids": some}
        for page in _batches(api, params, "take-downs"):
            is_there = bool(image_info(page)) and not image_info(page).get("filehidden")
            status = PostStatus.KEPT if is_there else PostStatus.REMOVED
            statuses[f"{ID}{page['pageid']}"] = CheckedPost(status)
    return {name: statuses[name] for name in ids}


def judge(answer: Answer) -> Wait | None:
    """Whether to come back: by the status, or by an error that MediaWiki sends as an answer."""
    code = _error(answer.content)[0]
    if code in _PATIENCE or code.startswith("internal_api_error_DB"):
        told = retry_after(answer.headers.get("retry-after"))
        return Wait(f"it says {code}", _PATIENCE.get(code) if told is None else told)
    return by_status(answer)


class _Category:
    """Questions about categories."""

    def __init__(self, api: WebApi, source: str, on_progress: Callable[[str], None]) -> None:
        self._api, self._source, self._on_progress = api, source, on_progress

    def check(self, category: str, depth: int) -> None:
        """Raise an error where there is nothing to be had: an unknown category answers like an empty one."""
        info, page = self._info(category), f"{SITE}/wiki/Category:{category.replace(' ', '_')}"
        if info is None:
            raise SourceError(f"{self._source}: Wikimedia Commons has no category of this name: check {page}")
        self._on_progress(f"{self._source}: {info.files} files and {info.subcategories} subcategories")
        if not info.files and not info.subcategories:
            raise SourceError(f"{self._source}: the category is empty: {page} may lead to another")
        if not info.files and not depth:
            raise SourceError(
                f"{self._source}: has no files of its own, and {info.subcategories} subcategories: try depth 1"
            )

    def walk(self, category: str, depth: int) -> Iterator[tuple[str, str]]:
        """A category and those below it, with the way there, nearest first; each once, for there are circles."""
        seen, level = {category}, [(category, category)]
        for left in range(depth, -1, -1):
            yield from level
            below = [
                (name, f"{way} > {name}") for one, way in (level if left else []) for name in self._subcategories(one)
            ]
            level = [(name, way) for name, way in dict(below).items() if name not in seen]
            seen |= {name for name, _ in level}
            if len(seen) > MOST_CATEGORIES:
                raise SourceError(
                    f"{self._source}: more than {MOST_CATEGORIES} categories: take a smaller depth, or a category below"
                )

    def files(self, category: str, width: int | None) -> Iterator[Page]:
        """The pages of a category's files, each with what is said of it, if anything is."""
        params: dict[str, str | int] = {
            "generator": "categorymembers",
            "gcmtitle": f"Category:{category}",
            "gcmtype": "file",
            "gcmlimit": FILES_A_REQUEST,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|mediatype|sha1|extmetadata|timestamp",
            "iiextmetadatafilter": _ABOUT,
            "iiextmetadatalanguage": "en",
        }
        return _batches(self._api, params | ({"iiurlwidth": width} if width else {}), self._source)

    def _subcategories(self, category: str) -> Iterator[str]:
        params = {"list": "categorymembers", "cmtitle": f"Category:{category}", "cmtype": "subcat"}
        for query, _ in _answers(self._api, params | {"cmlimit": _NAMES_A_REQUEST}, self._source):
            for one in _mappings(query.get("categorymembers")):
                yield str(one.get("title", "")).partition(":")[2]

    def _info(self, category: str) -> CategoryInfo | None:
        return next(_infos(self._api, [category], self._source), None)


def _infos(api: WebApi, categories: Collection[str], source: str) -> Iterator[CategoryInfo]:
    """What is said of those categories that are there."""
    params = {"prop": "categoryinfo", "titles": "|".join(f"Category:{name}" for name in categories)}
    for query, _ in _answers(api, params, source):
        for page in _mappings(query.get("pages")):
            found = page.get("categoryinfo")
            if isinstance(found, Mapping):
                name = str(page.get("title", "")).partition(":")[2]
                yield CategoryInfo(name, _whole(found.get("files")), _whole(found.get("subcats")))


def _batches(api: WebApi, params: Mapping[str, str | int], source: str) -> Iterator[Page]:
    """Pages whole, in the order in which they came: parts of one page are put together until its batch is complete."""
    pages: dict[int, dict[str, Any]] = {}
    for query, is_complete in _answers(api, params, source):
        for page in _mappings(query.get("pages")):
            if isinstance(number := page.get("pageid"), int):
                # The first that is said of a file is of its newest version.
                pages[number] = {**page, **pages.get(number, {})}
        if is_complete:
            yield from pages.values()
            pages = {}
    yield from pages.values()


def _answers(api: WebApi, params: Mapping[str, str | int], source: str) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Every part of an answer, and whether a batch ends with it."""
    fixed = {"action": "query", "format": "json", "formatversion": 2, "maxlag": _LAG, **params}
    more: dict[str, str | int] = {}
    asked: list[dict[str, str | int]] = []
    while more not in asked:
        asked.append(more)
        # All of the last `continue` and nothing of those before: an old one left in would leave files out.
        answer = api.get(PATH, {**fixed, **more})
        _refuse(answer, api.site, source)
        query, told = answer.content.get("query"), answer.content.get("continue")
        more = {str(name): str(value) for name, value in told.items()} if isinstance(told, Mapping) else {}
        # A batch of a single file goes on with that file's old versions. No other batch follows it: it is the last.
        is_over = not more or "iistart" in more
        yield query if isinstance(query, Mapping) else {}, is_over or "batchcomplete" in answer.content
        if is_over:
            return
    raise SourceError(f"{source}: {api.site} says the same `continue` twice: run it again later", passing=True)


def _refuse(answer: Answer, site: str, source: str) -> None:
    code, words = _error(answer.content)
    if code.endswith("invalidcategory"):
        raise SourceError(f"{source}: is no name that a category can have: check it on {SITE}")
    if code:
        raise SourceError(f"{source}: {site} says {code}: {words}")
    if answer.status != 200:  # noqa: PLR2004 - of HTTP
        raise SourceError(f"{source}: {site} refuses (HTTP {answer.status}): {answer.text}")


def _error(content: Mapping[str, Any]) -> tuple[str, str]:
    """Code and words of an error, in either form; empty where there is none."""
    errors = content.get("errors")
    found = errors[0] if isinstance(errors, list) and errors else content.get("error")
    if not isinstance(found, Mapping):
        return "", ""
    return plain_text(found.get("code", "")) or "unknown", plain_text(found.get("info") or found.get("text") or "", 200)


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    """Those of a list, or of the values of an object (as the API's first format has them), that are objects."""
    values = list(found.values()) if isinstance(found, Mapping) else found if isinstance(found, list) else []
    return [value for value in values if isinstance(value, Mapping)]


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
