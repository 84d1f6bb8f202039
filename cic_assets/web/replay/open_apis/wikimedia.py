"""Wikimedia's media hosts: two connections at a time, and thumbnails of certain widths alone."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from cic_assets.web.replay.open_apis.replies import Reply

HOSTS = frozenset({"upload.wikimedia.org", "thumb.wikimedia.org"})
STEPS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
_AT_ONCE = 2
_WIDTH = re.compile(r"/thumb/.*/(?:[a-z0-9-]+-)?(\d+)px-[^/]*$")


class MediaManners:
    """Refuses whoever asks for too much at once, or for a width that there is not.

    Attributes:
        most: connections at once so far.
        refused: how often, by why.
    """

    def __init__(self) -> None:
        self._active = 0
        self.most = 0
        self.refused: Counter[str] = Counter()

    @contextmanager
    def turn(self, host: str, path: str) -> Iterator[Reply | None]:
        """For as long as an answer takes: what it is refused with, if it is."""
        if host not in HOSTS:
            yield None
            return
        self._active += 1
        self.most = max(self.most, self._active)
        try:
            yield self._refusal(path)
        finally:
            self._active -= 1

    def _refusal(self, path: str) -> Reply | None:
        width = _WIDTH.search(path)
        if width and int(width[1]) not in STEPS:
            self.refused["width"] += 1
            words = "Use thumbnail steps listed on https://w.wiki/GHai. Please contact noc@wikimedia.org (a765913)"
            return Reply(_page(words), HTTPStatus.TOO_MANY_REQUESTS, {"retry-after": "10"})
        if self._active > _AT_ONCE:
            self.refused["at once"] += 1
            return Reply(_page("Too many requests (f061ab2)"), HTTPStatus.TOO_MANY_REQUESTS, {"retry-after": "1"})
        return None


def _page(words: str) -> str:
    return f"<!DOCTYPE html>\n<html><title>Wikimedia Error</title><p>{words}</p></html>\n"
