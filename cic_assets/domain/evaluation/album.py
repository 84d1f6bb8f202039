"""The pictures of the report: read from the store, made small, and put into the page as data URIs with their post.

A picture that is no longer in the store (taken down since) is shown as an empty place that says so.
"""

import base64
from dataclasses import dataclass

from cic_assets.domain.evaluation.inputs import ReportInputs
from cic_assets.domain.evaluation.settings import ReportSettings
from cic_assets.domain.hostile import plain_text, safe_link
from cic_assets.domain.images import Rgb, UnreadableImage, decode, encode_jpeg, shrink
from cic_assets.domain.media import Outcome
from cic_assets.storage import ContentStore

_QUALITIES = (82, 72, 60, 48, 36)
_SHRINK = 0.8


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture on the page.

    Attributes:
        src: a data URI; empty where the picture is gone.
        width, height: of the data URI's JPEG, in pixels.
        link: its post, http(s) or empty.
        title: the post's, one line.
        source: what its source is called.
        sha256: of the picture that it shows or was made from; by it a picture is found that must go.
    """

    src: str
    width: int
    height: int
    link: str = ""
    title: str = ""
    source: str = ""
    sha256: str = ""


class Album:
    """Makes the page's pictures; each post is looked up once."""

    def __init__(self, inputs: ReportInputs, settings: ReportSettings) -> None:
        self._inputs = inputs
        self._settings = settings
        # Of several posts in one source the earliest counts: tables have the newest first. Looked up as pictures are
        # shown, some hundreds: by name all of a million would take more room than all else.
        columns = ["sha256", "subreddit", "permalink", "title", "format"]
        self._known = inputs.raw.loc[inputs.raw["outcome"] == Outcome.OK, columns].iloc[::-1]
        self._labels = {source.key: source.label for source in inputs.sources}

    def original(self, sha256: str, source: str) -> Picture:
        """A picture as it came, whole, in its own shape. `source` is the partition whose post is linked."""
        rows = self._known[self._known["sha256"] == sha256]
        rgb = self._read(self._inputs.images, sha256, next(iter(rows["format"]), ""))
        return self._picture(rgb, sha256, source)

    def resized(self, sha256: str, source: str) -> Picture:
        """The square that the models get."""
        return self._picture(self._read(self._inputs.resized, sha256, "jpeg"), sha256, source)

    def resized_pixels(self, sha256: str) -> Rgb | None:
        """The square that the models get, as pixels; None where it is gone."""
        return self._read(self._inputs.resized, sha256, "jpeg")

    def square(self, sha256: str) -> Rgb | None:
        """The square whole, at the side of the data set, for a model to look at; None where it is gone."""
        return self._read(self._inputs.resized, sha256, "jpeg", whole=True)

    def of_pixels(self, rgb: Rgb, sha256: str) -> Picture:
        """Pixels that were made from a picture, without its post."""
        return Picture(*thumbnail(rgb, self._settings.tile_side, self._settings.tile_bytes), sha256=sha256)

    def _read(self, store: ContentStore, sha256: str, image_format: str, *, whole: bool = False) -> Rgb | None:
        try:
            side = None if whole else self._settings.tile_side
            return decode(store.get(sha256, image_format), shortest_side=side)
        except (FileNotFoundError, KeyError, UnreadableImage):
            return None

    def _picture(self, rgb: Rgb | None, sha256: str, source: str) -> Picture:
        posts = self._known[(self._known["sha256"] == sha256) & (self._known["subreddit"] == source)]
        permalink, title = next(zip(posts["permalink"], posts["title"], strict=True), ("", ""))
        image = ("", 1, 1) if rgb is None else thumbnail(rgb, self._settings.tile_side, self._settings.tile_bytes)
        return Picture(
            *image,
            link=safe_link(permalink),
            title=plain_text(title),
            source=self._labels.get(source, source),
            sha256=sha256,
        )


def thumbnail(rgb: Rgb, side: int, max_bytes: int) -> tuple[str, int, int]:
    """A JPEG of at most `max_bytes` as data URI, its longer side at most `side` pixels, with its width and height.

    Compressed harder until it fits, then made smaller: noise, too, has to fit.
    """
    small = shrink(rgb, side)
    for quality in _QUALITIES:
        jpeg = encode_jpeg(small, quality)
        if len(jpeg) <= max_bytes:
            encoded = base64.b64encode(jpeg).decode()
            return f"data:image/jpeg;base64,{encoded}", small.shape[1], small.shape[0]
    return thumbnail(small, int(_SHRINK * max(small.shape[:2])), max_bytes)
