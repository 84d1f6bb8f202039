"""Openverse, as far as whoever has no key may search: 20 pictures a page, 240 in all, 20 questions a minute.

`images.jsonl` holds results as the API gives them. A picture is found by the words of its title and of its tags.
"""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from cic_assets.web.replay.open_apis.replies import Json, OpenApi, Reply

OPENVERSE = "openverse"
_MOST, _A_PAGE = 240, 20
_LICENSES = frozenset(
    {"by", "by-nc", "by-nc-nd", "by-nc-sa", "by-nd", "by-sa", "cc0", "nc-sampling+", "pdm", "sampling+"}
)


class OpenverseApi(OpenApi):
    """Openverse over the results of an archive."""

    host = "api.openverse.org"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lines("images")

    def answer(self, path: str, query: Mapping[str, str], agent: str) -> Reply:
        """A search, or one picture."""
        if self.plays("throttled"):
            words = "Request was throttled. Expected available in 3 seconds."
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, words, self.retry_after)
        if self.plays("challenge") or not agent:
            return Reply("<html><title>Just a moment...</title></html>", HTTPStatus.FORBIDDEN)
        if path == "/v1/images/":
            return self._search(query)
        name = path.removeprefix("/v1/images/").strip("/")
        one = next((image for image in self.lines("images") if image["id"] == name), None)
        return Reply(one) if one else _refusal(HTTPStatus.NOT_FOUND, "Not found.")

    def _search(self, query: Mapping[str, str]) -> Reply:
        page, size = int(query.get("page", "1")), int(query.get("page_size", str(_A_PAGE)))
        licenses = set(filter(None, query.get("license", "").split(",")))
        if unknown := sorted(licenses - _LICENSES):
            return _refusal(HTTPStatus.BAD_REQUEST, {"license": [f"License '{unknown[0]}' does not exist."]})
        if size > _A_PAGE:
            words = f"page_size may not exceed {_A_PAGE} for anonymous requests"
            return _refusal(HTTPStatus.UNAUTHORIZED, words)
        if page * size > _MOST:
            return _refusal(HTTPStatus.UNAUTHORIZED, "deeper than anonymous requests may go")
        asked = query.get("q", "").lower().split()
        found = [image for image in self.lines("images") if _is_found(image, asked, licenses)][:_MOST]
        answer = {
            "result_count": len(found),
            "page_count": -(-len(found) // size),
            "page_size": size,
            "page": page,
            "results": found[(page - 1) * size : page * size],
        }
        return Reply(answer)


def _is_found(image: Json, words: list[str], licenses: set[str]) -> bool:
    tags = [str(tag.get("name", "")) for tag in image.get("tags") or []]
    text = " ".join([str(image.get("title") or ""), *tags]).lower()
    return all(word in text for word in words) and (not licenses or image.get("license") in licenses)


def _refusal(status: HTTPStatus, detail: object, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply({"detail": detail}, status, headers or {})
