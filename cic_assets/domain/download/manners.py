"""Hosts that ask for less than others take, and say so in their policies."""

import math
from collections.abc import Mapping
from typing import NamedTuple


class Manners(NamedTuple):
    """What a site takes.

    Attributes:
        at_once: requests under way.
        per_second: requests.
    """

    at_once: float = math.inf
    per_second: float = math.inf


WIKIMEDIA = "wikimedia.org"
_SITES: Mapping[str, str] = {"upload.wikimedia.org": WIKIMEDIA, "thumb.wikimedia.org": WIKIMEDIA}
"""Hosts that are one site: their requests stand in one line, and who says 429 is meant to be heard by all."""

_MANNERS: Mapping[str, Manners] = {
    # Its robot policy: two connections, and 25 Mbit/s; a thumbnail of 1280 pixels has some 300 kB.
    WIKIMEDIA: Manners(2, 4),
    # After some hundred pictures it says 429 for an hour.
    "live.staticflickr.com": Manners(1, 1),
    # 5 GB an hour: photos of 1024 pixels have some 300 kB.
    "inaturalist-open-data.s3.amazonaws.com": Manners(4, 4),
    "static.inaturalist.org": Manners(2, 2),
}
"""By site; hosts that are in none take what the settings say."""


def site_of(host: str) -> str:
    """In whose line a request to a host stands."""
    return _SITES.get(host, host)


def manners_of(site: str) -> Manners:
    """What a site takes; of most hosts nothing is known."""
    return _MANNERS.get(site, Manners())
