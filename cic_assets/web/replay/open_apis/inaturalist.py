"""iNaturalist, as far as photos of a taxon are asked for: 200 observations a page, found again by `id_above`.

`observations.jsonl` holds observations as the API gives them, `taxa.jsonl` taxa as its search for names does.
"""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cic_assets.web.replay.open_apis.replies import Json, OpenApi, Reply

INATURALIST = "inat"
_MOST, _WINDOW = 200, 10_000


class INaturalistApi(OpenApi):
    """iNaturalist over the observations of an archive."""

    host = "api.inaturalist.org"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lines("observations")

    def answer(self, path: str, query: Mapping[str, str], agent: str) -> Reply:
        """Observations, or taxa by their names."""
        if self.plays("too_many") or not agent:
            return Reply("<html><h1>429 Too Many Requests</h1></html>", HTTPStatus.TOO_MANY_REQUESTS, self.retry_after)
        if path == "/v1/taxa/autocomplete":
            words = query.get("q", "").lower()
            return _results([taxon for taxon in self.lines("taxa") if words in _names(taxon)], 1, 30)
        if path != "/v1/observations":
            return Reply({"error": "Not Found", "status": 404}, HTTPStatus.NOT_FOUND)
        page, size = int(query.get("page", "1")), min(int(query.get("per_page", "30")), _MOST)
        if page * size > _WINDOW:
            words = "Result window is too large, page x size must be less than or equal to [10000]."
            return Reply({"error": words, "status": 403}, HTTPStatus.FORBIDDEN)
        if not query.get("taxon_id", "0").isdigit():
            return Reply({"error": "Unprocessable Entity", "status": 422}, HTTPStatus.UNPROCESSABLE_ENTITY)
        found = sorted((one for one in self.lines("observations") if _is_meant(one, query)), key=lambda one: one["id"])
        return _results(found, page, size)


def _results(found: list[Json], page: int, size: int) -> Reply:
    shown = found[(page - 1) * size : page * size]
    return Reply({"total_results": len(found), "page": page, "per_page": size, "results": shown})


def _names(taxon: Json) -> str:
    return " ".join(str(taxon.get(name) or "") for name in ("name", "preferred_common_name", "matched_term")).lower()


def _is_meant(observation: Json, query: Mapping[str, str]) -> bool:
    if ids := query.get("id"):
        return str(observation["id"]) in ids.split(",")
    taxon: Json = observation.get("taxon") or {}
    licenses = set(query.get("photo_license", "").split(","))
    photos: list[Any] = observation.get("photos") or []
    return (
        int(query.get("taxon_id", "0")) in {taxon.get("id"), *taxon.get("ancestor_ids", [])}
        and observation["id"] > int(query.get("id_above", "0"))
        and query.get("quality_grade", "research") == observation.get("quality_grade")
        # At least one of them is.
        and any(photo.get("license_code") in licenses for photo in photos)
    )
