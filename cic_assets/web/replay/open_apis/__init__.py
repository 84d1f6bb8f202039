"""Open collections of pictures, replayed: their APIs, with limits, continuations and errors as they have them."""

from collections.abc import Mapping
from pathlib import Path

from cic_assets.web.replay.open_apis.commons import COMMONS, CommonsApi
from cic_assets.web.replay.open_apis.inaturalist import INATURALIST, INaturalistApi
from cic_assets.web.replay.open_apis.openverse import OPENVERSE, OpenverseApi
from cic_assets.web.replay.open_apis.replies import OpenApi, Reply
from cic_assets.web.replay.open_apis.wikimedia import MediaManners

_APIS: Mapping[str, type[OpenApi]] = {COMMONS: CommonsApi, INATURALIST: INaturalistApi, OPENVERSE: OpenverseApi}
"""By the folder of an archive that each is made of."""


def open_apis(directory: Path) -> Mapping[str, OpenApi]:
    """The APIs that an archive holds, by their host.

    Raises:
        ArchiveError: something in one of them is wrong.
    """
    return {api.host: api(directory / name) for name, api in _APIS.items() if (directory / name).is_dir()}


__all__ = ["MediaManners", "OpenApi", "Reply", "open_apis"]
