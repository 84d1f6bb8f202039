"""Pictures that a stage goes on without: their file is gone, or no decoder takes it."""

from collections.abc import Callable

from cic_assets.domain.images.formats.common import UnreadableImage

CANNOT_BE_READ = (UnreadableImage, FileNotFoundError)
"""What reading and decoding one picture raises on account of that picture; anything else concerns all of them."""

OnLeftOut = Callable[[str, str], None]
"""Called with the SHA-256 of a picture that is left out, and why in a few words; from several threads."""


def why_left_out(error: Exception) -> str:
    """One of `CANNOT_BE_READ` in a few words."""
    return "its file is missing" if isinstance(error, FileNotFoundError) else str(error)
