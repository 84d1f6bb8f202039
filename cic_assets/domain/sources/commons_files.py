"""From what Wikimedia Commons says of a file to what is offered: its picture, its terms, or why it is none."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from cic_assets.domain.licenses import License, parse_license
from cic_assets.domain.media import Medium, Rights
from cic_assets.domain.sources.markup import web_address, words_of
from cic_assets.domain.sources.open_access import OpenAccess, refused

SITE = "https://commons.wikimedia.org"
MEDIA_HOSTS = frozenset({"upload.wikimedia.org", "thumb.wikimedia.org"})
"""Where files and their thumbnails are; nothing else is fetched for Commons."""

ID = "commons-"
"""How the ids of its files begin, before the number of their page, which stays when a file is renamed."""

_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
_AS_THUMBNAIL = frozenset({"image/tiff"})
"""What is read as a thumbnail alone: a scan has some hundred megabytes."""

Page = Mapping[str, Any]


def medium_of(page: Page, category: str, key: str, width: int | None, access: OpenAccess) -> Medium:
    """What a file's page offers.

    Args:
        page: of an answer; of several about one file the first with `imageinfo`.
        category: where it was found, with the way there.
        key: of the source's partition.
        width: of the thumbnail that is fetched; None for the original.
        access: which licences are taken.
    """
    info = image_info(page)
    about = _texts(info.get("extmetadata"))
    # MediaWiki shows the first letter of a file's name as a capital, and spaces for underscores.
    title = str(page.get("title", "")).removeprefix("File:")
    original, thumbnail = _address(info, "url"), _address(info, "thumburl")
    medium = Medium(
        post_id=f"{ID}{page['pageid']}",
        subreddit=key,
        media_url=(thumbnail if width else original) or original,
        permalink=f"{SITE}/w/index.php?curid={page['pageid']}",
        title=title,
        created_utc=_seconds(info.get("timestamp")),
        flair=category,
        fallback_url=original if width and thumbnail and thumbnail != original else None,
    )
    medium = _with_rights(medium, info, about)
    why = _why_not(info, about, width) or ("" if _is_hosted(medium.media_url) else "no address of Wikimedia's")
    return access.judged(refused(medium, why) if why else medium, _license_of(about))


def image_info(page: Page) -> Mapping[str, Any]:
    """What is said of a file's newest version; empty where nothing is."""
    versions = page.get("imageinfo")
    first = versions[0] if isinstance(versions, list) and versions else {}
    return first if isinstance(first, Mapping) else {}


def _texts(metadata: Any) -> dict[str, str]:
    """Values of `extmetadata` by name; PHP writes an empty one as a list."""
    entries = metadata.items() if isinstance(metadata, Mapping) else ()
    return {
        str(name): str(entry["value"]) for name, entry in entries if isinstance(entry, Mapping) and "value" in entry
    }


def _address(info: Mapping[str, Any], name: str) -> str:
    """An address without the query that Wikimedia counts clicks by."""
    value = info.get(name)
    return value.partition("?")[0] if isinstance(value, str) else ""


def _is_hosted(url: str) -> bool:
    return _host(url) in MEDIA_HOSTS and "/archive/" not in url


def _host(url: str) -> str:
    """Of an https address; empty for any other."""
    with suppress(ValueError):  # brackets that are no address
        parts = urlsplit(url)
        return parts.netloc if parts.scheme == "https" else ""
    return ""


def _seconds(timestamp: Any) -> float:
    try:
        return datetime.strptime(str(timestamp), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _why_not(info: Mapping[str, Any], about: Mapping[str, str], width: int | None) -> str:
    """Why a file is no picture to fetch; empty if it is one."""
    kind = str(info.get("mime", ""))
    if info.get("filemissing") or info.get("filehidden") or not info:
        return "Commons hides or has lost its bytes" if info else "a page without a file"
    if kind not in _PICTURES and not (width and kind in _AS_THUMBNAIL and info.get("thumburl")):
        return f"{kind or 'of an unknown kind'}: no photograph"
    if "DeletionReason" in about:
        return f"nominated for deletion: {words_of(about['DeletionReason']).text[:120]}"
    if about.get("NonFree", "").lower() not in ("", "0", "false"):
        return "not free"
    return ""


def _license_of(about: Mapping[str, str]) -> License | None:
    name = words_of(about.get("LicenseShortName", "")).text
    return parse_license(name, about.get("License", ""), web_address(about.get("LicenseUrl", "")))


def _with_rights(medium: Medium, info: Mapping[str, Any], about: Mapping[str, str]) -> Medium:
    author, asked = words_of(about.get("Artist", "")), words_of(about.get("Attribution", "")).text
    name = author.text or asked or "Unknown author"
    page = _address(info, "descriptionurl") or f"{SITE}/wiki/File:{quote(medium.title.replace(' ', '_'))}"
    rights = Rights(
        author_url=author.href,
        attribution=asked or f"{name}, via Wikimedia Commons",
        source_page=page if _host(page) == _host(SITE) else medium.permalink,
    )
    return replace(medium, author=name, rights=rights)
