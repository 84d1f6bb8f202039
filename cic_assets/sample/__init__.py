"""The embedded sample: a small archive of drawn cars and tanks, with the dirt of the real web, without a network.

Nothing here reads an archive or knows what is trained on it.
"""

from cic_assets.sample.archive import (
    SAMPLE_SUBREDDITS,
    NotASampleError,
    ensure_sample,
    sample_version,
    write_pictures,
    write_sample,
)

__all__ = ["SAMPLE_SUBREDDITS", "NotASampleError", "ensure_sample", "sample_version", "write_pictures", "write_sample"]
