"""The verdict on bytes that claim to be a picture, before anything is kept or trained on."""

from dataclasses import dataclass

from cic_assets.domain.images.formats.common import Header, TruncatedImage, UnreadableImage
from cic_assets.domain.images.headers import READERS, read_header
from cic_assets.domain.images.pillow import loaded
from cic_assets.domain.images.settings import ImageLimits
from cic_assets.domain.media import Outcome


@dataclass(frozen=True, slots=True)
class Inspection:
    """What bytes turned out to be.

    Attributes:
        outcome: ok, empty, not_an_image, truncated, too_large, too_small or error (whole, but damaged inside).
        reason: why, in a few words for a person; empty for ok.
        header: what the header says, where it could be read.
    """

    outcome: Outcome
    reason: str = ""
    header: Header | None = None


def inspect(data: bytes, limits: ImageLimits | None = None, *, by_header: Inspection | None = None) -> Inspection:
    """Judge a file, cheapest question first: a bomb is turned away by its header, a cut file before it is decoded.

    Never raises on account of the bytes. An animation counts as its first frame.

    Args:
        data: the whole file as it came.
        limits: sizes to keep to; the defaults where omitted.
        by_header: what `inspect_header` said of it by the same limits, where it was asked before.

    Raises:
        MemoryError: this machine is short of memory, which is not the file's fault.
    """
    verdict = by_header or inspect_header(data, limits)
    header = verdict.header
    if header is None or verdict.outcome is Outcome.TOO_LARGE:
        return verdict
    try:
        pixels = READERS[header.format].only_pixels(data)
        if verdict.outcome is not Outcome.OK:
            return verdict
        # Most of a JPEG's cost is finding its pixels' codes; turning all of them into colours would prove nothing more.
        with loaded(pixels, header, reduced=header.format == "jpeg"):
            return verdict
    except TruncatedImage as error:
        return Inspection(Outcome.TRUNCATED, str(error), header)
    except UnreadableImage as error:
        return Inspection(Outcome.ERROR, str(error), header)


def inspect_header(data: bytes, limits: ImageLimits | None = None) -> Inspection:
    """What the header alone says: ok, unless it cannot be read or says too large or too small.

    Args:
        data: the whole file as it came.
        limits: sizes to keep to; the defaults where omitted.
    """
    if not data:
        return Inspection(Outcome.EMPTY, "no bytes")
    try:
        header = read_header(data)
    except TruncatedImage as error:
        return Inspection(Outcome.TRUNCATED, str(error))
    except UnreadableImage as error:
        return Inspection(Outcome.NOT_AN_IMAGE, str(error))
    return Inspection(*_judge_header(header, limits or ImageLimits()), header)


def judge_size(width: int, height: int, limits: ImageLimits) -> tuple[Outcome, str]:
    """Whether a picture is within the limits: ok, too_large or too_small, and why in a few words.

    Args:
        width: in pixels, as displayed.
        height: likewise.
        limits: sizes to keep to.
    """
    if width * height > limits.max_pixels:
        return Outcome.TOO_LARGE, f"{width} x {height} pixels, more than {limits.max_pixels:,}"
    if min(width, height) < limits.min_side:
        return Outcome.TOO_SMALL, f"{width} x {height} pixels, a side under {limits.min_side}"
    return Outcome.OK, ""


def _judge_header(header: Header, limits: ImageLimits) -> tuple[Outcome, str]:
    """The same as `judge_size`, and whether decoding takes more memory than it may."""
    outcome, reason = judge_size(header.width, header.height, limits)
    if outcome is Outcome.TOO_LARGE or header.decoding_bytes <= limits.max_decoding_bytes:
        return outcome, reason
    size = f"{header.width} x {header.height} pixels of this {header.format}"
    needed, most = header.decoding_bytes / 1e6, limits.max_decoding_bytes / 1e6
    return Outcome.TOO_LARGE, f"{size} take {needed:.0f} MB to decode, more than {most:.0f}"
