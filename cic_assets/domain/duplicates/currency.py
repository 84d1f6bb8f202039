"""Whether the set that is kept is what the groups say, and the groups are of the pictures that there are now."""

import pandas as pd

from cic_assets.domain.duplicates.fingerprints import CARRIED, FINGERPRINT_COLUMNS
from cic_assets.domain.duplicates.looks import LOOK_COLUMNS
from cic_assets.domain.duplicates.selection import kept_pictures
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.overrides import Overrides
from cic_assets.domain.places import in_order
from cic_assets.storage import InOrder, content_version

SIGNED_COLUMNS = [name for name in (*CARRIED, *FINGERPRINT_COLUMNS) if name not in LOOK_COLUMNS]
"""Of fingerprints what `are_of` takes, in the order of the table: a tenth of it."""

_SEARCHED = "searched"
_KEY = ["sha256", "subreddit"]


def sign(groups: pd.DataFrame, images: pd.DataFrame, settings: DuplicateSettings, overrides: Overrides) -> pd.DataFrame:
    """Groups that remember what they were searched among, and by which rules; kept with the table."""
    groups.attrs[_SEARCHED] = _version(images, settings, overrides)
    return groups


def are_of(groups: pd.DataFrame, images: pd.DataFrame, settings: DuplicateSettings, overrides: Overrides) -> bool:
    """Whether groups were searched among these very pictures, by these rules."""
    return bool(groups.attrs.get(_SEARCHED) == _version(images, settings, overrides))


def not_as_grouped(kept: pd.DataFrame, images: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Rows that are kept although the groups drop them, or are not although the groups keep them; columns as `_KEY`."""
    expected = kept_pictures(images, groups)
    return pd.concat([kept[_KEY], expected[_KEY]]).drop_duplicates(keep=False)


def _version(images: pd.DataFrame, settings: DuplicateSettings, overrides: Overrides) -> str:
    # What a picture looks like is a matter of its bytes, and of how that is computed.
    images = images.drop(columns=LOOK_COLUMNS, errors="ignore")
    rules = settings.model_dump(exclude={"overrides"})  # what the file says counts, not where it lies
    order = in_order(images[_KEY].reset_index(drop=True), _KEY).index.to_numpy()
    return content_version(InOrder(images, order), rules, overrides)
