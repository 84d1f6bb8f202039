"""What a trained model says of pictures that were taken down since: how many, since when, and not which."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from upath import UPath

from cic_assets.domain.models.card import CARD_FILE, FOLDS_FILE, PICTURES_FILE, PREDICTIONS_FILE, Takedowns, read_card
from cic_assets.domain.models.embeddings import EMBEDDINGS_FILE, read_embeddings, save_embeddings
from cic_assets.domain.models.errors import CardMismatchError
from cic_assets.storage import FolderLock, is_local, write_atomically, write_json

if TYPE_CHECKING:
    import pandas as pd


def has_seen(folder: UPath, pictures: Collection[str]) -> bool:
    """Whether the model in a folder was trained or judged on any of these pictures, named by their SHA-256."""
    return not seen_pictures(folder).isdisjoint(pictures)


def seen_pictures(folder: UPath) -> frozenset[str]:
    """SHA-256 of the pictures that the model in a folder was trained or judged on, but for those that are forgotten."""
    path = folder / PICTURES_FILE
    return frozenset(_read(path)["sha256"]) - {""} if path.exists() else frozenset()


def mark_taken_down(folder: UPath, gone: Collection[str], when: str) -> None:
    """Note on a model's card how many of its pictures are gone, and forget which they were.

    Doing it again, also after a kill in between, ends in the same: what is forgotten is counted where it was listed.

    Args:
        folder: of the model; nothing happens where there is none.
        gone: SHA-256 of the pictures.
        when: now, as ISO 8601.
    """
    if folder.exists():
        with changing(folder):
            _mark(folder, gone, when)


def changing(folder: UPath) -> AbstractContextManager[None]:
    """Held by who puts another model into a folder, or takes a picture out of what is said of the one there."""
    return FolderLock(Path(str(folder))).held() if is_local(folder) else nullcontext()


def _mark(folder: UPath, gone: Collection[str], when: str) -> None:
    """What is said of pictures goes first: the names by which, after a kill, it is known that this is to be done later.

    Whatever else is there, and whether its card can be read or not.
    """
    _forget_embeddings(folder, gone)
    for name in (PREDICTIONS_FILE, FOLDS_FILE):
        _remove_rows(folder / name, gone)
    if not (folder / CARD_FILE).exists() or not (folder / PICTURES_FILE).exists():
        return
    pictures = _read(folder / PICTURES_FILE)
    seen = pictures["sha256"].isin(gone)
    if seen.any():
        pictures.loc[seen, "sha256"] = ""
        write_atomically(folder / PICTURES_FILE, pictures.to_parquet(index=False))
    with suppress(CardMismatchError):  # the next training takes the place of what this program cannot read
        _note(folder, int((pictures["sha256"] == "").sum()), when)


def _remove_rows(path: UPath, gone: Collection[str]) -> None:
    if not path.exists():
        return
    answers = _read(path)
    judged = answers["sha256"].isin(gone)
    if judged.any():
        write_atomically(path, answers[~judged].to_parquet(index=False))


def _forget_embeddings(folder: UPath, gone: Collection[str]) -> None:
    path = folder / EMBEDDINGS_FILE
    if not path.exists():
        return
    try:
        embeddings = read_embeddings(folder)
    except CardMismatchError:  # nobody can read whose they are: all go
        path.unlink()
        return
    left = embeddings.without(gone)
    if len(left.sha256s) < len(embeddings.sha256s):
        save_embeddings(path, left)


def _read(path: UPath) -> "pd.DataFrame":
    import pandas as pd

    with path.open("rb") as file:
        return pd.read_parquet(file)


def _note(folder: UPath, count: int, when: str) -> None:
    card = read_card(folder)
    before = card.takedowns
    if count != (before.count if before else 0):
        takedowns = Takedowns(count=count, since=before.since if before else when)
        marked = card.model_copy(update={"takedowns": takedowns})
        write_json(folder / CARD_FILE, marked.model_dump(mode="json"))
