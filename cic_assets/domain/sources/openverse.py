"""`openverse:QUERY`: a search of Openverse, which shows whoever has no key 240 results and no more.

Its terms forbid to take its catalogue by many searches, so one source is one search.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Any

from cic_assets.domain.hostile import plain_text
from cic_assets.domain.licenses import creative_commons
from cic_assets.domain.media import Medium, Rights
from cic_assets.domain.reddit import CheckedPost, PostStatus
from cic_assets.domain.sources.errors import AllowanceUsedError, SourceError
from cic_assets.domain.sources.markup import web_address
from cic_assets.domain.sources.open_access import OpenAccess, refused
from cic_assets.domain.sources.options import MOST_RESULTS
from cic_assets.domain.sources.source import Partition
from cic_assets.domain.sources.web_api import Answer, Wait, WebApi, by_status

HOST = "api.openverse.org"
PAGE = "https://openverse.org/image/"
ID = "openverse-"
CODES: Mapping[str, str] = {
    "cc0": "cc0", "public-domain": "pdm", "cc-by": "by", "cc-by-sa": "by-sa", "cc-by-nc": "by-nc", "cc-by-nd": "by-nd",
    "cc-by-nc-sa": "by-nc-sa", "cc-by-nc-nd": "by-nc-nd",
}  # fmt: skip
"""Its words for licences."""

_A_PAGE = 20
_A_MINUTE, _A_DAY = 20, 200
"""Questions of whoever has no key."""
_A_CHECK = 60
"""Pictures that one check of take-downs asks about: each is a question, and a search needs some as well."""
_FOR_SEARCHES = 60
"""Questions of a day that checks leave: without them, checks of several sources would use what searches need."""
_NO_PHOTOGRAPH = re.compile(r"\.?(svg|tiff?|gif|pdf)$", re.IGNORECASE)
_SECONDS = re.compile(r"available in (\d+) second")


def openverse_media(partition: Partition, access: OpenAccess, on_progress: Callable[[str], None]) -> list[Medium]:
    """What a search offers, best first, each picture once.

    Raises:
        SourceError: none of the licences is one of Openverse's, nothing is found, or it cannot be asked.
    """
    source = partition.source.canonical
    codes = [CODES[family] for family in access.licenses if family in CODES]
    if not codes:
        raise SourceError(f"{source}: none of `licenses` is known to Openverse: expected some of {', '.join(CODES)}")
    limit, found, page, pages = int(source.option("limit")), dict[str, Medium](), 1, 1
    while page <= min(pages, MOST_RESULTS // _A_PAGE) and len(found) < limit:
        params: dict[str, str | int] = {
            "q": source.value,
            "license": ",".join(codes),
            "page_size": _A_PAGE,
            "page": page,
        }
        content = _ask(access, "/v1/images/", params, str(source)).content
        results = content.get("results")
        for result in results if isinstance(results, list) else []:
            if isinstance(result, Mapping) and isinstance(result.get("id"), str) and result["id"].isascii():
                found.setdefault(result["id"], medium_of(result, partition.key, access))
        pages = content["page_count"] if isinstance(content.get("page_count"), int) else 0
        on_progress(f"{source}: {len(found)} pictures, page {page} of {pages}")
        page += 1
    if not found:
        raise SourceError(f"{source}: Openverse finds nothing under {', '.join(codes)}: try other words")
    return list(found.values())[:limit]


def medium_of(result: Mapping[str, Any], key: str, access: OpenAccess) -> Medium:
    """What one result offers."""
    said = {name: value for name, value in result.items() if isinstance(value, str)}
    url, page = said.get("url", ""), f"{PAGE}{result['id']}"
    medium = Medium(
        post_id=f"{ID}{result['id']}",
        subreddit=key,
        media_url=url,
        permalink=page,
        title=said.get("title", ""),
        author=said.get("creator", "") or "Unknown author",
        created_utc=_seconds(said.get("indexed_on", "")),
        rights=Rights(
            author_url=web_address(said.get("creator_url", "")),
            attribution=" ".join(said.get("attribution", "").split()),
            source_page=web_address(said.get("foreign_landing_url", "")) or page,
        ),
    )
    why = "" if web_address(url) else "no address of a picture"
    kinds = (said.get("filetype", ""), url.partition("?")[0])
    if kind := next((match[1].lower() for kind in kinds if (match := _NO_PHOTOGRAPH.search(kind))), ""):
        why = f"{kind}: no photograph"
    return access.judged(
        refused(medium, why) if why else medium,
        creative_commons(said.get("license", ""), said.get("license_version", "")),
    )


def recheck_openverse(access: OpenAccess, ids: Collection[str]) -> dict[str, CheckedPost]:
    """Which pictures are still there, of the first of them, as far as questions are left today.

    Raises:
        SourceError: Openverse cannot be asked.
    """
    statuses: dict[str, CheckedPost] = {}
    for name in islice(ids, _A_CHECK):
        path = f"/v1/images/{name.removeprefix(ID)}/"
        try:
            answer = _ask(access, path, {}, "take-downs", {HTTPStatus.NOT_FOUND}, _FOR_SEARCHES)
        except AllowanceUsedError:
            break
        is_gone = answer.status == HTTPStatus.NOT_FOUND
        statuses[name] = CheckedPost(PostStatus.REMOVED if is_gone else PostStatus.KEPT)
    return statuses


def judge(answer: Answer) -> Wait | None:
    """Whether to come back; how long is said in words where no header says it."""
    wait = by_status(answer)
    words = _SECONDS.search(str(answer.content.get("detail", "")))
    if wait and words and "retry-after" not in answer.headers:
        return Wait(wait.why, float(words[1]))
    return wait


def _ask(
    access: OpenAccess,
    path: str,
    params: Mapping[str, str | int],
    source: str,
    expected: Collection[int] = (),
    left: int = 0,
) -> Answer:
    access.count("Openverse", "openverse", _A_DAY - left)
    agent, pace = access.user_agent("Openverse"), access.pace("openverse", _A_MINUTE, 60.0)
    answer = WebApi("Openverse", HOST, agent, access.network, pace, judge, access.sleep).get(path, params)
    if answer.status != HTTPStatus.OK and answer.status not in expected:
        said = answer.content.get("detail") or answer.text
        raise SourceError(f"{source}: Openverse refuses (HTTP {answer.status}): {plain_text(said, 200)}")
    return answer


def _seconds(date: str) -> float:
    try:
        return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
