"""Where the versions of a model lie, and how one is read as a whole while another may take its place.

`models/NAME` holds the champion's files, as it did before there were versions, and `models/NAME/versions/ID` those of
each other one. While the champion changes, the coming one is whole in its folder below `versions`, and `champion.json`,
which is written at once, says from when on it counts: so there is a whole champion at any moment, also after a kill.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from upath import UPath

from cic_assets.domain.models.card import CARD_FILE, Card, read_card
from cic_assets.domain.models.errors import CardMismatchError
from cic_assets.domain.models.forgetting import changing
from cic_assets.domain.models.versions.record import CHAMPION_FILE, read_record

VERSIONS = "versions"
_TRAINED = "trained"
_TRIES = 5
"""To read a model while others take its place, before these have to wait."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model: its id, where its files lie now, its card, and whether it is the one that answers."""

    id: str
    folder: UPath
    card: Card
    is_champion: bool


def trained_folder(folder: UPath) -> UPath:
    """Where a training puts what it made, until it is a version."""
    return folder / VERSIONS / _TRAINED


def champion_folder(folder: UPath) -> UPath:
    """Where the files of the champion of the model in a folder lie at this moment."""
    champion = read_record(folder).champion
    coming = folder / VERSIONS / champion if champion else folder
    return coming if (coming / CARD_FILE).exists() else folder


def version_folders(folder: UPath) -> list[UPath]:
    """Every folder in which something of a version lies, or may come to lie: the model's own, and those below it."""
    below = folder / VERSIONS
    others = [path for path in below.iterdir() if path.is_dir()] if below.exists() else []
    return [folder, *sorted(path for path in others if not path.name.startswith("."))]


def versions_of(folder: UPath) -> list[Version]:
    """All whole versions of the model in a folder, the newest first.

    Raises:
        CardMismatchError: the champion's card, or what was decided, is not of this version of the program.
    """
    return _consistently(folder, lambda: folder, _all_versions)


def _all_versions(folder: UPath) -> list[Version]:
    champion = champion_folder(folder)
    found: dict[str, Version] = {}
    for place in [
        champion,
        *version_folders(folder)[1:],
        folder,
    ]:  # beside it, a version is whole as soon as it is there
        if place != trained_folder(folder) and (card := _card(place, needed=place == champion)):
            found.setdefault(card.version, Version(card.version, place, card, place == champion))
    return sorted(found.values(), key=lambda one: (one.card.trained_at or "", one.id), reverse=True)


def _card(place: UPath, *, needed: bool) -> Card | None:
    """None where there is none; of another version of this program only the champion's is worth an error."""
    try:
        return read_card(place)
    except FileNotFoundError:  # maybe removed just now
        return None
    except CardMismatchError:
        if needed:
            raise
        return None


def newest_version(folder: UPath) -> Version | None:
    """The version that was trained last; None where there is none.

    Raises:
        CardMismatchError: as of `versions_of`.
    """
    return next(iter(versions_of(folder)), None)


def judged_version(folder: UPath, data_version: str) -> Version | None:
    """The version that is judged by a data set: the champion if it was trained on it, else the newest that was.

    Args:
        folder: of the model.
        data_version: of the data set.

    Raises:
        CardMismatchError: as of `versions_of`.
    """
    return judged_of(versions_of(folder), data_version)


def judged_of(versions: Sequence[Version], data_version: str) -> Version | None:
    """The same of versions that were read, the newest first."""
    knowing = [one for one in versions if one.card.data_version == data_version]
    return next((one for one in knowing if one.is_champion), next(iter(knowing), None))


def read_champion(folder: UPath, read: Callable[[UPath], T]) -> T:
    """Read several files of the champion as one: of the champion before or of the one after, never of both.

    Args:
        folder: of the model.
        read: is given the folder in which the champion's files lie; called again where they changed meanwhile.
    """
    return _consistently(folder, lambda: champion_folder(folder), read)


def read_version(folder: UPath, version: str, read: Callable[[UPath], T]) -> T:
    """The same of any version.

    Raises:
        FileNotFoundError: there is none of this id.
    """

    def find() -> UPath:
        beside = folder / VERSIONS / version
        return beside if (beside / CARD_FILE).exists() else folder

    def read_it(place: UPath) -> T:
        if read_card(place).version != version:
            raise FileNotFoundError(f"{folder.name} has no version {version}: see `cic models list`")
        return read(place)

    return _consistently(folder, find, read_it)


def _consistently(folder: UPath, find: Callable[[], UPath], read: Callable[[UPath], T]) -> T:
    """Read without a lock, as who predicts may do nothing but read; with one where others would not let it come to it.

    What was read counts if nothing changed from before to after: each change is told by the decisions, by where the
    files lie, or by the card, which goes first and comes last.
    """
    for _ in range(_TRIES):
        before = _state(folder, find())
        try:
            result = read(before[0])
        except Exception:
            if _state(folder, find()) == before:
                raise
        else:
            if _state(folder, find()) == before:
                return result
    with changing(folder):
        return read(find())


def _state(folder: UPath, place: UPath) -> tuple[UPath, bytes, bytes]:
    return place, _bytes_of(folder / CHAMPION_FILE), _bytes_of(place / CARD_FILE)


def _bytes_of(path: UPath) -> bytes:
    try:
        return bytes(path.read_bytes())
    except FileNotFoundError:
        return b""
