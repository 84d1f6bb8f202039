"""What a person may set about the search for duplicates. Every default has its reason beside it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class DuplicateSettings(BaseModel):
    """How alike two pictures must be to count as one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    overrides: Path = Path("overrides.yaml")
    """What a person decided about pictures, in a file beside the problem file; there need not be one."""

    radius: int = Field(default=8, ge=0, le=10)
    """Bits of 64 in which the pHash of two pictures may differ for the pair to be looked at. Recompressed, resized,
    brightened, greyed and watermarked copies stay within 6; of 312,000 pairs of different photos none came within 8
    and one within 10. It is one number for sets of every size, so that what counts as a pair never depends on which
    other pictures there are."""

    phash256_distance: int = Field(default=24, ge=0, le=128)
    """Bits of 256 within which a pair of the same colours is the same picture without a look at its pixels. Copies of
    the kinds above stay within 16; the nearest of 850,000 pairs of different photos was 82 apart."""

    correlation: float = Field(default=0.8, gt=0, le=1)
    """What four fifths of the small blocks of two pictures must reach, once one is laid on the other. Copies of all
    kinds, crops and letterboxes too, reach 0.89; of different photos none reached 0.3, the same wall with another car
    before it 0.45."""

    flat_share: float = Field(default=0.95, gt=0, le=1)
    """A picture of which this share has one colour is set aside: its hash is noise, and any two of them look alike.
    Only its exact copies count."""
