"""What a picture has to be like to be kept."""

from pydantic import BaseModel, ConfigDict, Field

PIXEL_CEILING = 89_478_485
"""No picture with more pixels than this is ever decoded, whatever the settings say: 268 MB as RGB.

It is Pillow's own `MAX_IMAGE_PIXELS` (a quarter of a GiB at three bytes a pixel), so that Pillow, which decodes the
rarer formats, never sees a picture that it would warn about.
"""


class ImageLimits(BaseModel):
    """Sizes, in pixels as displayed, outside which a picture is turned away before it is decoded."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_pixels: int = Field(default=50_000_000, ge=1, le=PIXEL_CEILING)
    """Width times height. Every common camera and telephone stays below; a bomb of 20,000 x 20,000 does not."""

    max_decoding_bytes: int = Field(default=150_000_000, ge=1)
    """Memory that decoding a picture may take. Any JPEG of one scan is within it, and what else cameras make: 48
    million pixels of a progressive JPEG with halved colours, 25 of one in full colour, 37 of a PNG, 9 of a WebP."""

    min_side: int = Field(default=100, ge=1)
    """The shorter side: below this are icons and thumbnails, which upscaled to a model's 224 teach it blur."""
