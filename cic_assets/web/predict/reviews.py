"""What a person says of an answer that is wrong, from a request to the list under the data root."""

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from cic_assets.domain.prediction import Review, ReviewRefusedError, add_review
from cic_assets.storage import DataRoot
from cic_assets.web.bodies import json_body
from cic_assets.web.predict.bodies import Given
from cic_assets.web.predict.desk import Desk
from cic_assets.web.predict.panel import Answer, Panel
from cic_assets.web.predict.receipts import MAX_RECEIPT, Receipts

JSON_ROOM = MAX_RECEIPT + 4096
"""Bytes of a review beside the picture in it."""


class ReviewBook:
    """Hands out receipts with answers, and takes reviews of them in."""

    def __init__(self, desk: Desk, root: DataRoot | None) -> None:
        """Take reviews for a data root; none, where it is None."""
        self._desk, self._root = desk, root
        self._receipts = Receipts()
        # One after another: they would only wait for each other's lock.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="reviews")

    @property
    def is_open(self) -> bool:
        """Whether reviews are taken."""
        return self._root is not None

    def receipt(self, panel: Panel, answer: Answer) -> str | None:
        """What a client brings back to say that the best model's answer is wrong; None where that cannot be."""
        if not self.is_open or not answer.predictions:
            return None
        best, card = answer.predictions[0], panel.predictors[0].card
        said = {"sha256": answer.sha256, "label": best.label, "probability": best.probability}
        said |= {"model": card.name, "model_sha256": card.sha256}
        return self._receipts.write({"said": said, "labels": card.labels, "url": answer.url})

    async def take(self, request: Request) -> Review:
        """Put a review on the list.

        Raises:
            HTTPException: it is none, or cannot be taken.
        """
        root = self._root
        if root is None:
            raise HTTPException(404, "no reviews are taken here")
        with self._desk.place():
            settings = self._desk.settings
            room = JSON_ROOM + 4 * (settings.max_upload + 2) // 3
            given = await json_body(request, room, settings.upload_seconds, self._desk.budget)
            receipt = self._receipts.read(given.get("receipt"))
            if receipt is None:
                raise HTTPException(409, "the receipt is of no answer since this server started: ask again")
            truth = _truth(given, receipt["labels"])
            picture = await self._picture(given, receipt["url"])
            said = {**receipt["said"], "truth": truth, "reviewed_at": datetime.now(UTC).isoformat(timespec="seconds")}
            try:
                return await self._desk.run_in(self._writer, lambda: _add(root, picture, said))
            except ReviewRefusedError as error:
                raise HTTPException(409, str(error)) from None

    async def _picture(self, given: dict[str, Any], url: str | None) -> bytes | None:
        """The picture to keep, which is asked for again where it was named by its URL; None without consent."""
        if given.get("keep") is not True:
            return None
        if url is not None:
            item = await self._desk.read(Given(url, url=url))
            if item.data is None:
                raise HTTPException(409, f"the picture is not at its address any more: {item.error}")
            return item.data
        try:
            return base64.b64decode(given.get("picture", ""), validate=True)
        except (ValueError, TypeError):
            raise HTTPException(400, "picture: expected its bytes as base64, for they are to be kept") from None


def _add(root: DataRoot, picture: bytes | None, said: dict[str, Any]) -> Review:
    from cic_assets.domain.sources import load_tombstones  # brings pandas, 70 MB: not before a review

    return add_review(root, picture, lambda: load_tombstones(root).purged_pictures, **said)


def _truth(given: dict[str, Any], labels: list[str]) -> str:
    truth = given.get("label", "")
    if truth is None:
        return ""
    if truth not in labels:
        raise HTTPException(400, f"label: expected one of {', '.join(labels)}, or null for none of them")
    return str(truth)
