"""What a picture has to be like to be kept."""

from pydantic import BaseModel, ConfigDict, Field

PIXEL_CEILING = 89_478_485
"""No picture with more pixels than this is ever decoded, whatever the settings say: 268 MB as RGB.

It is Pillow's own `MAX_IMAGE_PIXELS` (a quarter of a GiB at three bytes a pixel), so that Pillow, which decodes the
rarer formats, never sees a picture that it would warn about.
"""


class ImageLimits(BaseModel):
    """Sizes, in pixels as displayed, outside which a picture is turned away before it is decoded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_pixels: int = Field(default=50_000_000, ge=1, le=PIXEL_CEILING)
    """Width times height. Every common camera and telephone stays below; a bomb of 20,000 x 20,000 does not."""

    max_decoding_bytes: int = Field(default=200_000_000, ge=1)
    """Memory that decoding a picture may take. Enough for 50 million pixels of PNG or GIF, and for any JPEG of one
    scan; for 33 million of a progressive JPEG in full colour and 12 million of a WebP, whose decoders keep more."""

    min_side: int = Field(default=100, ge=1)
    """The shorter side: below this are icons and thumbnails, which upscaled to a model's 224 teach it blur."""
