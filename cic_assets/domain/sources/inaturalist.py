"""`inat:TAXON`: photos of research grade of a species, or of any other taxon, each under the licence of its own."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from cic_assets.domain.hostile import plain_text
from cic_assets.domain.licenses import PUBLIC_DOMAIN, License, creative_commons
from cic_assets.domain.media import Medium, Rights
from cic_assets.domain.reddit import CheckedPost, PostStatus
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.open_access import OpenAccess, refused
from cic_assets.domain.sources.source import Partition
from cic_assets.domain.sources.web_api import Answer, WebApi, by_status

HOST = "api.inaturalist.org"
SITE = "https://www.inaturalist.org"
ID = "inat-"
MEDIA_HOSTS = frozenset({"inaturalist-open-data.s3.amazonaws.com", "static.inaturalist.org"})
MOST_BYTES_A_DAY = 24_000_000_000
"""Whoever takes more may be shut out for good."""

_A_DAY = 10_000
_A_PAGE = 200
_NAMES = 30
_VERSION = "4.0"
"""Of Creative Commons, which iNaturalist uses, and does not say of each photo."""
_CODES = {"cc0", "cc-by", "cc-by-sa", "cc-by-nc", "cc-by-nd", "cc-by-nc-sa", "cc-by-nc-nd"}


def inaturalist_media(partition: Partition, access: OpenAccess, on_progress: Callable[[str], None]) -> list[Medium]:
    """What a taxon offers: its photos, oldest observations first.

    Raises:
        SourceError: there is no such taxon, none of the licences is one of iNaturalist's, or it cannot be asked.
    """
    source = partition.source.canonical
    codes = sorted(_CODES & set(access.licenses))
    if not codes:
        raise SourceError(f"{source}: none of `licenses` is one of iNaturalist's: expected some of {sorted(_CODES)}")
    taxon, limit, media, taken = (
        _taxon(access, source.value, str(source)),
        int(source.option("limit")),
        list[Medium](),
        0,
    )
    for observation in _observations(access, taxon, codes, str(source)):
        for medium in media_of(observation, partition.key, access):
            media.append(medium)
            taken += medium.known_outcome is None
            if taken >= limit:
                on_progress(f"{source}: {taken} photos, as many as `limit` says: what is left is not looked at")
                return media
        if len(media) % _A_PAGE == 0:
            on_progress(f"{source}: {taken} of {len(media)} photos under these licences")
    on_progress(f"{source}: {taken} of {len(media)} photos under these licences")
    if not media:
        raise SourceError(f"{source}: no photos of research grade under {', '.join(codes)}")
    return media


def media_of(observation: Mapping[str, Any], key: str, access: OpenAccess) -> list[Medium]:
    """The photos of one observation; where it was made is not kept."""
    user, taxon = _mapping(observation.get("user")), _mapping(observation.get("taxon"))
    login, name = str(user.get("login") or ""), str(taxon.get("name") or "")
    page, found = f"{SITE}/observations/{observation.get('id')}", []
    photos = observation.get("photos")
    for position, one in enumerate(photos if isinstance(photos, list) else []):
        photo = _mapping(one)
        url = str(photo.get("url") or "").partition("?")[0]
        medium = Medium(
            post_id=f"{ID}{observation.get('id')}",
            subreddit=key,
            media_url=url.replace("/square.", "/large."),
            position=position,
            permalink=page,
            title=" - ".join(filter(None, (name, str(taxon.get("preferred_common_name") or "")))),
            author=str(user.get("name") or login or "Unknown author"),
            created_utc=_seconds(observation.get("observed_on")),
            flair=name,
            rights=Rights(
                author_url=f"{SITE}/people/{quote(login)}" if login else "",
                attribution=" ".join(str(photo.get("attribution") or "").split()),
                source_page=page,
            ),
        )
        why = _why_not(photo, url)
        found.append(access.judged(refused(medium, why) if why else medium, _license_of(photo)))
    return found


def recheck_inaturalist(access: OpenAccess, ids: Collection[str]) -> dict[str, CheckedPost]:
    """Which observations are still there, by their ids; each is in the answer.

    Raises:
        SourceError: iNaturalist cannot be asked.
    """
    statuses, names = dict.fromkeys(ids, CheckedPost(PostStatus.MISSING)), list(ids)
    for start in range(0, len(names), _A_PAGE):
        some = ",".join(name.removeprefix(ID) for name in names[start : start + _A_PAGE])
        content = _ask(access, "/v1/observations", {"id": some, "per_page": _A_PAGE}, "take-downs").content
        for one in _results(content):
            statuses[f"{ID}{one.get('id')}"] = CheckedPost(PostStatus.KEPT)
    return {name: statuses[name] for name in ids}


def _taxon(access: OpenAccess, name: str, source: str) -> int:
    if name.isascii() and name.isdigit():
        return int(name)
    content = _ask(access, "/v1/taxa/autocomplete", {"q": name, "per_page": _NAMES}, source).content
    found = [one for one in _results(content) if one.get("is_active", True) and isinstance(one.get("id"), int)]
    for field in ("name", "preferred_common_name", "matched_term"):
        for one in found:
            if str(one.get(field) or "").lower() == name.lower():
                return int(one["id"])
    near = ", ".join(f"{one.get('name')} (inat:{one['id']})" for one in found[:5]) or "nothing like it"
    raise SourceError(f"{source}: iNaturalist knows no taxon of just this name; there is {near}")


def _observations(access: OpenAccess, taxon: int, codes: list[str], source: str) -> Iterator[Mapping[str, Any]]:
    """By their ids, for pages end at 10,000 results."""
    last = 0
    while True:
        params: dict[str, str | int] = {
            "taxon_id": taxon, "quality_grade": "research", "photos": "true", "captive": "false",
            "photo_license": ",".join(codes), "order_by": "id", "order": "asc", "id_above": last, "per_page": _A_PAGE,
        }  # fmt: skip
        results = _results(_ask(access, "/v1/observations", params, source).content)
        yield from results
        ids = [one["id"] for one in results if isinstance(one.get("id"), int)]
        if not ids or max(ids) <= last:
            return
        last = max(ids)


def _why_not(photo: Mapping[str, Any], url: str) -> str:
    if photo.get("hidden") or photo.get("flags"):
        return "hidden or flagged at iNaturalist"
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.netloc in MEDIA_HOSTS and "/square." in parts.path:
            return ""
    return "no address of a photo at iNaturalist's"


def _license_of(photo: Mapping[str, Any]) -> License | None:
    code = photo.get("license_code")
    if not isinstance(code, str):
        return None  # all rights are reserved
    found = creative_commons(code.lower().removeprefix("cc-"), _VERSION)
    return None if found and found.id == PUBLIC_DOMAIN else found


def _ask(access: OpenAccess, path: str, params: Mapping[str, str | int], source: str) -> Answer:
    access.count("iNaturalist", "inaturalist", _A_DAY)
    agent, pace = access.user_agent("iNaturalist"), access.pace("inaturalist", 1, 1.0)
    answer = WebApi("iNaturalist", HOST, agent, access.network, pace, by_status, access.sleep).get(path, params)
    if answer.status != HTTPStatus.OK:
        said = answer.content.get("error") or answer.text
        raise SourceError(f"{source}: iNaturalist refuses (HTTP {answer.status}): {plain_text(said, 200)}")
    return answer


def _results(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    results = content.get("results")
    return [one for one in (results if isinstance(results, list) else []) if isinstance(one, Mapping)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _seconds(date: Any) -> float:
    with suppress(ValueError):
        return datetime.strptime(str(date), "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    return 0.0
