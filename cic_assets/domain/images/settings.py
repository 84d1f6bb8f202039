"""What a picture has to be like to be kept."""

from pydantic import BaseModel, ConfigDict, Field

PIXEL_CEILING = 89_478_485
"""No picture with more pixels than this is ever decoded, whatever the settings say: 268 MB as RGB.

It is Pillow's own `MAX_IMAGE_PIXELS` (a quarter of a GiB at three bytes a pixel), so that Pillow, which decodes the
rarer formats, never sees a picture that it would warn about.
"""


class ImageLimits(BaseModel):
    """Sizes, in pixels as displayed, outside which a picture is turned away before it is decoded.

    Descriptions are given as such: to find docstrings, pydantic reads the source, which takes as long as cv2's import.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_pixels: int = Field(
        default=50_000_000, ge=1, le=PIXEL_CEILING,
        description="Width times height. Every common camera and telephone stays below; a bomb of 20,000 x 20,000 does "
        "not.",
    )  # fmt: skip
    max_decoding_bytes: int = Field(
        default=500_000_000, ge=1,
        description="Memory that a picture may take: the most that any step takes for one, two copies of the file in "
        "it. With files of 20 MB that is 50 million pixels of any JPEG, PNG or HEIC, 24 of an AVIF, 23 of a WebP.",
    )  # fmt: skip
    min_side: int = Field(
        default=100, ge=1,
        description="The shorter side: below this are icons and thumbnails, which upscaled to a model's 224 teach it "
        "blur.",
    )  # fmt: skip
