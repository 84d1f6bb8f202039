"""Take-downs: what is deleted or removed at its source, or by hand here, goes from everywhere under the data root."""

from cic_assets.domain.takedowns.by_hand import Purge, PurgeError, purge, purge_missing
from cic_assets.domain.takedowns.check import (
    Ask,
    ManyMissingError,
    TakedownCheck,
    check_takedowns,
    knows_posts,
    posts_to_ask,
)
from cic_assets.domain.takedowns.dropped import Dropped, dropped_sources, remove_source
from cic_assets.domain.takedowns.removal import forget_meanwhile

__all__ = [
    "Ask", "Dropped", "ManyMissingError", "Purge", "PurgeError", "TakedownCheck", "check_takedowns", "dropped_sources",
    "forget_meanwhile", "knows_posts", "posts_to_ask", "purge", "purge_missing", "remove_source",
]  # fmt: skip
