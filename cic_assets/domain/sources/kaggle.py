"""`kaggle:OWNER/NAME`: a data set of Kaggle, fetched by kagglehub into its own cache and read as a folder.

kagglehub is an extra: it is imported when such a source is scraped, and not before.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from cic_assets.domain.media import Medium
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.files import LocalFile
from cic_assets.domain.sources.folders import Offer, folder_media

if TYPE_CHECKING:
    import requests

SITE = "https://www.kaggle.com/datasets"
_CREDENTIALS = (
    "set KAGGLE_API_TOKEN to a token from kaggle.com/settings (or KAGGLE_USERNAME and KAGGLE_KEY), and accept the data "
    "set's terms on its page if it has any"
)


class Address(NamedTuple):
    """What stands behind `kaggle:`.

    Attributes:
        handle: `OWNER/NAME` for the newest version, `OWNER/NAME/versions/N` for a certain one.
        folder: inside the data set; empty for all of it.
    """

    handle: str
    folder: str

    @property
    def page(self) -> str:
        """The data set's page."""
        return f"{SITE}/{self.handle}"


def parse_address(value: str) -> Address:
    """Take `OWNER/NAME[/versions/N][/FOLDER]` apart."""
    parts = value.strip("/").split("/")
    pinned = len(parts) > 3 and parts[2] == "versions" and parts[3].isdigit()  # noqa: PLR2004 - OWNER/NAME/versions/N
    end = 4 if pinned else 2
    return Address("/".join(parts[:end]), "/".join(parts[end:]))


def kaggle_media(value: str, key: str, on_progress: Callable[[str], None]) -> Offer:
    """What `kaggle:VALUE` offers: media named by their place in the data set, not by that on this machine's disk.

    Raises:
        SourceError: kagglehub is not installed, Kaggle refuses or cannot be reached, or there is no such folder.
    """
    address = parse_address(value)
    root = _fetched(address, on_progress)
    folder = root / address.folder
    if not folder.resolve().is_relative_to(root.resolve()):
        raise SourceError(f"kaggle:{value}: the folder leads out of the data set: expected one inside it")
    try:
        media, files = folder_media(folder, key)
    except SourceError as error:
        raise SourceError(f"kaggle:{value}: {str(error).partition(': ')[2]}") from None
    named = [_named(medium, address) for medium in media]
    urls = {before.media_url: after.media_url for before, after in zip(media, named, strict=True)}
    return named, {urls[url]: LocalFile(urls[url], file.size, file.stamp, file.read) for url, file in files.items()}


def _named(medium: Medium, address: Address) -> Medium:
    # The time of the file on disk is that of its unpacking: it says nothing, and differs between machines.
    place = "/".join(filter(None, (address.handle, address.folder, medium.post_id)))
    return replace(medium, media_url=f"kaggle:{quote(place)}", permalink=address.page, created_utc=0.0)


def _fetched(address: Address, on_progress: Callable[[str], None]) -> Path:
    """The folder that kagglehub keeps the data set in; fetched if this version is not there yet."""
    # Its bars would fill the log of a step, which catches what is written to the terminal.
    os.environ.setdefault("TQDM_MININTERVAL", "5")
    os.environ.setdefault("KAGGLEHUB_VERBOSITY", "warning")
    try:
        import kagglehub
        import requests  # which kagglehub asks with
        from kagglehub.exceptions import DataCorruptionError
    except ImportError:
        raise SourceError(
            f"kaggle:{address.handle}: needs kagglehub, which is not installed: pip install 'cic-assets[kaggle]'"
        ) from None
    on_progress(f"kaggle:{address.handle}: asking Kaggle; a version that is not here yet is fetched now")
    try:
        return Path(kagglehub.dataset_download(address.handle))
    except requests.HTTPError as error:
        raise _refused(address, error) from None
    except requests.RequestException as error:
        raise SourceError(
            f"kaggle:{address.handle}: Kaggle cannot be reached ({type(error).__name__}): check the network",
            passing=True,
        ) from None
    except DataCorruptionError:
        raise SourceError(f"kaggle:{address.handle}: came damaged: run it again", passing=True) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"kaggle:{address.handle}: kagglehub says: {str(error).splitlines()[0]}") from None


def _refused(address: Address, error: "requests.HTTPError") -> SourceError:
    status = error.response.status_code if error.response is not None else 0
    named = f"kaggle:{address.handle}"
    if status == HTTPStatus.NOT_FOUND:
        return SourceError(f"{named}: Kaggle has no such data set: check {address.page}")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return SourceError(f"{named}: Kaggle refuses (HTTP {status}): {_CREDENTIALS}")
    passing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return SourceError(f"{named}: Kaggle answers HTTP {status}: try again later", passing=passing)
