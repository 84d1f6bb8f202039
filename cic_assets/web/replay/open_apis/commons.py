"""Wikimedia Commons, as far as a category's files are asked for: MediaWiki's `action=query` in its second format.

`files.jsonl` holds pages of files as the API gives them (`pageid`, `title`, `imageinfo`), with `categories`, a list,
and `older`, true where a file has earlier versions. `categories.jsonl` holds `title` and `subcategories`. A file whose
line is taken out is deleted. `faults.json` may say how often the first questions are answered otherwise.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from cic_assets.web.replay.open_apis.replies import Json, OpenApi, Reply
from cic_assets.web.replay.open_apis.wikimedia import STEPS
from cic_assets.web.replay.quota import Quota

COMMONS = "commons"
_PATH = "/w/api.php"
_MOST, _DEFAULT, _MOST_VALUES, _MOST_THUMBNAILS = 500, 10, 50, 50
_MINUTE, _WITH_CONTACT, _WITHOUT = 60.0, 200, 10
_CONTACT = re.compile(r"\(.*(@|https?://).*\)")
_LIBRARIES = ("", "python-requests", "python-urllib", "go-http-client", "java/", "wget", "curl/")
_COUNTED = "utm_source=commons.wikimedia.org&utm_campaign=imageinfo&utm_content="
_GATEWAY = (
    "You are making too many requests to the API.\nPlease follow the best practices at "
    "<https://www.mediawiki.org/wiki/Wikimedia_APIs/Rate_limits>.\n\nrequest-id: replayed\n"
)
_AGENT = "Please set a user-agent and respect our robot policy https://w.wiki/4wJS. See also T400119.\n"


class CommonsApi(OpenApi):
    """Commons over the files of an archive."""

    host = "commons.wikimedia.org"

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self._quotas: dict[str, Quota] = {}
        self._files()

    def answer(self, path: str, query: Mapping[str, str], agent: str) -> Reply:
        """What the gateway, the caches or MediaWiki say."""
        if agent.lower().startswith(_LIBRARIES[1:]) or not agent:
            return Reply(_AGENT, HTTPStatus.FORBIDDEN)
        if self.plays("gateway_429") or not self._quota(agent).take():
            return Reply(_GATEWAY, HTTPStatus.TOO_MANY_REQUESTS, self.retry_after)
        if self.plays("unavailable"):
            return Reply("<html>Wikimedia Error</html>", HTTPStatus.SERVICE_UNAVAILABLE, self.retry_after)
        if path != _PATH or query.get("action") != "query" or query.get("formatversion") != "2":
            return _error("unknown_action", "What is replayed is action=query with formatversion=2.")
        for fault, words in _ERRORS.items():
            if (fault != "maxlag" or "maxlag" in query) and self.plays(fault):
                return _error(fault, words, self.retry_after)
        return self._query(query)

    def _query(self, query: Mapping[str, str]) -> Reply:
        if query.get("generator") == "categorymembers":
            return self._members(query)
        if query.get("list") == "categorymembers":
            return self._subcategories(query)
        if query.get("prop") == "categoryinfo":
            return Reply(_complete({"pages": [self._info(title) for title in query.get("titles", "").split("|")]}))
        return self._pages(query)

    def _quota(self, agent: str) -> Quota:
        found = _CONTACT.search(agent)
        return self._quotas.setdefault(
            found[0] if found else "", Quota(requests=_WITH_CONTACT if found else _WITHOUT, window=_MINUTE)
        )

    def _files(self) -> dict[int, Json]:
        return {int(page["pageid"]): page for page in self.lines("files")}

    def _in_category(self, title: str) -> list[Json]:
        """Files of a category in the order of its collation."""
        found = [page for page in self._files().values() if _name(title) in page.get("categories", ())]
        return sorted(found, key=lambda page: (page["title"].upper(), page["pageid"]))

    def _below(self, title: str) -> list[str]:
        names = [one.get("subcategories", []) for one in self.lines("categories") if one["title"] == _name(title)]
        return sorted(name for some in names for name in some)

    def _exists(self, title: str) -> bool:
        name = _name(title)
        known = {name for one in self.lines("categories") for name in [one["title"], *one.get("subcategories", [])]}
        return name in known or bool(self._in_category(title))

    def _info(self, title: str) -> Json:
        page: Json = {"ns": 14, "title": title}
        if not self._exists(title):
            return {**page, "missing": True}
        files, below = len(self._in_category(title)), len(self._below(title))
        counts = {"size": files + below, "pages": 0, "files": files, "subcats": below, "hidden": False}
        return {"pageid": _number(title), **page, "categoryinfo": counts}

    def _subcategories(self, query: Mapping[str, str]) -> Reply:
        names, limit = self._below(query.get("cmtitle", "")), self._limit(query.get("cmlimit", ""))
        start = 0
        if told := query.get("cmcontinue"):
            start = next((place for place, name in enumerate(names) if told == _token("subcat", name)), -1)
            if start < 0:
                return _bad_continue()
        shown = [
            {"pageid": _number(name), "ns": 14, "title": f"Category:{name}", "type": "subcat"}
            for name in names[start : start + limit]
        ]
        answer = _complete({"categorymembers": shown})
        if start + limit < len(names):
            answer["continue"] = {"cmcontinue": _token("subcat", names[start + limit]), "continue": "-||"}
        return Reply(answer)

    def _members(self, query: Mapping[str, str]) -> Reply:
        if not query.get("gcmtitle", "").startswith("Category:") or not _name(query["gcmtitle"]):
            return _error("invalidcategory", "The category name you entered is not valid.")
        files, limit = self._in_category(query["gcmtitle"]), self._limit(query.get("gcmlimit", ""))
        start, current = 0, query.get("gcmcontinue")
        if current:
            start = next((place for place, page in enumerate(files) if current == _token_of(page)), -1)
            if start < 0:
                return _bad_continue()
        batch = files[start : start + limit]
        if not batch:
            return Reply({"batchcomplete": True})
        here = {"gcmcontinue": current} if current else {}
        following = {"gcmcontinue": _token_of(files[start + limit])} if start + limit < len(files) else {}
        return self._batch(batch, query, here, following)

    def _batch(self, batch: Sequence[Json], query: Mapping[str, str], here: Json, following: Json) -> Reply:
        """As much of a batch as one answer takes; by which names its `continue` goes on."""
        width, told = int(query.get("iiurlwidth", 0)), query.get("iicontinue", "")
        shown: defaultdict[int, Json] = defaultdict(dict)
        if "iistart" in query:
            return Reply(_complete({"pages": [{**_stub(batch[0]), "imageinfo": [_older(batch[0], width)]}]}))
        most = int(self.faults().get("a_part", _MOST_THUMBNAILS if width else _MOST))
        left = [page for page in sorted(batch, key=_key) if _key(page) >= told.partition("|")[0]]
        names = query.get("iiextmetadatafilter", "")
        for page in left[:most]:
            shown[page["pageid"]] = {"imageinfo": [_info_of(page, width, names)]} if page.get("imageinfo") else {}
        # By the number of the page, not in the category's order.
        pages = [{**_stub(page), **shown[page["pageid"]]} for page in sorted(batch, key=lambda page: page["pageid"])]
        module = "gcmcontinue||" if here else "||"
        if left[most:]:
            more = {"iicontinue": f"{_key(left[most])}|20210605101112", **here, "continue": module}
            return Reply({"continue": more, "query": {"pages": pages}})
        if len(batch) == 1 and batch[0].get("older"):
            more = {"iistart": "2020-01-01T00:00:00Z", **here, "continue": module}
            return Reply({"continue": more, "query": {"pages": pages}})
        answer = _complete({"pages": pages})
        return Reply({**answer, "continue": {**following, "continue": "gcmcontinue||"}} if following else answer)

    def _pages(self, query: Mapping[str, str]) -> Reply:
        numbers = query.get("pageids", "").split("|")
        if len(numbers) > _MOST_VALUES:
            return _error(
                "toomanyvalues", f"Too many values supplied for parameter pageids. The limit is {_MOST_VALUES}."
            )
        files = self._files()
        pages = [
            {**_stub(page), "imageinfo": [_info_of(page, 0, "")]}
            if page.get("imageinfo")
            else _stub(page)
            if page
            else {"pageid": number, "missing": True}
            for number in map(int, filter(str.isdigit, numbers))
            for page in [files.get(number, {})]
        ]
        return Reply(_complete({"pages": pages}))

    @staticmethod
    def _limit(text: str) -> int:
        return _MOST if text == "max" else min(max(int(text), 1), _MOST) if text.isdigit() else _DEFAULT


_ERRORS = {
    "maxlag": "Waiting for 10.64.16.77: 5.3 seconds lagged.",
    "ratelimited": "You've exceeded your rate limit. Please wait some time and try again.",
    "readonly": "The wiki is currently in read-only mode.",
}


def _error(code: str, words: str, headers: Mapping[str, str] | None = None) -> Reply:
    """An error, which MediaWiki sends with 200."""
    return Reply({"error": {"code": code, "info": words}}, headers={"mediawiki-api-error": code, **(headers or {})})


def _bad_continue() -> Reply:
    return _error("badcontinue", "Invalid continue param. You should pass the original value.")


def _complete(query: Json) -> Json:
    return {"batchcomplete": True, "query": query}


def _stub(page: Json) -> Json:
    return {
        "pageid": page["pageid"],
        "ns": 6,
        "title": page["title"],
        "imagerepository": "local" if page.get("imageinfo") else "",
    }


def _info_of(page: Json, width: int, names: str) -> Json:
    """What is said of a file, with a thumbnail of the next width that there is."""
    info = dict(page["imageinfo"][0])
    metadata = info.get("extmetadata")
    if names and isinstance(metadata, dict):
        info["extmetadata"] = {name: metadata[name] for name in metadata if name in names.split("|")}
    if url := info.get("url"):
        if width and "thumburl" not in info:
            info |= _thumbnail(url, int(info.get("width", 0)), int(info.get("height", 0)), width)
        info["url"] = f"{url}?{_COUNTED}original"
    return info


def _thumbnail(url: str, width: int, height: int, asked: int) -> Json:
    step = next((step for step in STEPS if step >= asked), STEPS[-1])
    if step >= width:
        return {"thumburl": f"{url}?{_COUNTED}thumbnail_unscaled", "thumbwidth": width, "thumbheight": height}
    place, name = url.partition("/commons/")[2], url.rpartition("/")[2]
    return {
        "thumburl": f"https://thumb.wikimedia.org/wikipedia/commons/thumb/{place}/{step}px-{name}?{_COUNTED}thumbnail",
        "thumbwidth": asked,
        "thumbheight": round(height * asked / max(width, 1)),
    }


def _older(page: Json, width: int) -> Json:
    info = _info_of(page, width, "")
    place = info["url"].partition("?")[0].replace("/commons/", "/commons/archive/")
    return {**info, "timestamp": "2020-01-01T00:00:00Z", "url": place, "thumburl": place}


def _name(title: str) -> str:
    return title.removeprefix("Category:").replace("_", " ")


def _key(page: Json) -> str:
    return str(page["title"]).removeprefix("File:").replace(" ", "_")


def _token(kind: str, name: str) -> str:
    return f"{kind}|{name.upper().encode().hex()}|{_number(name)}"


def _token_of(page: Json) -> str:
    return f"file|{page['title'].upper().encode().hex()}|{page['pageid']}"


def _number(name: str) -> int:
    return int.from_bytes(_name(name).encode()[-6:], "big")
