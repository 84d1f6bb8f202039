"""Changing which version is the champion, so that a kill at any moment leaves the old or the new one, whole."""

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from upath import UPath

from cic_assets.domain.models.card import ARRAYS_FILE, CARD_FILE, GRAPH_FILE, MODEL_FILE, read_card, verified_files
from cic_assets.domain.models.errors import CardMismatchError
from cic_assets.domain.models.files import files_of
from cic_assets.domain.models.forgetting import changing
from cic_assets.domain.models.versions.places import VERSIONS, Version, trained_folder, version_folders, versions_of
from cic_assets.domain.models.versions.record import CHAMPION_FILE, Decision, read_record
from cic_assets.storage import DataRoot, is_local, sync_file_system, write_json


def deciding(
    root: DataRoot, name: str, on_wait: Callable[[str], None] = lambda _line: None
) -> AbstractContextManager[None]:
    """Held by who decides which version of a model is the champion."""
    return root.lock_of(root.model(name) / VERSIONS, f"models-{name}").held(on_wait)


def admit(folder: UPath) -> Version:
    """Make what a training left a version of the model in a folder, beside the champion.

    Raises:
        FileNotFoundError: there is nothing.
    """
    with changing(folder):
        trained = trained_folder(folder)
        card = read_card(trained)
        target = folder / VERSIONS / card.version
        _remove(target)
        if is_local(trained):
            Path(str(trained)).rename(str(target))
        else:
            _link_all(trained, target)
            _remove(trained)
    return Version(card.version, target, card, is_champion=False)


def note(folder: UPath, decision: Decision) -> None:
    """Write down a decision that leaves the champion as it is."""
    with changing(folder):
        _write(folder, decision)


def change_champion(folder: UPath, decision: Decision) -> None:
    """Make a version of the model in a folder the champion: from the moment that the decision is written down.

    What is left to do after that is where files lie, which `settle` does, also of a switch that was killed.
    """
    with changing(folder):
        settle(folder)
        _write(folder, decision)
        settle(folder)


def _write(folder: UPath, decision: Decision) -> None:
    write_json(folder / CHAMPION_FILE, read_record(folder).with_decision(decision).model_dump(mode="json"))


def settle(folder: UPath) -> None:
    """Bring to its end what a killed command left: a switch of the champion, or the removal of a version."""
    if not (folder / VERSIONS).exists():
        return
    with changing(folder):
        champion = read_record(folder).champion
        coming = folder / VERSIONS / champion if champion else None
        if coming is not None and (coming / CARD_FILE).exists():
            _take_place(folder, coming)
            _remove(coming)
        for other in version_folders(folder)[1:]:
            if other != trained_folder(folder) and _version_in(other) is None:
                _remove(other)


def _take_place(folder: UPath, coming: UPath) -> None:
    """Put the champion's files into the model's folder, and those that were there beside it.

    Each step may be done again after a kill. What goes is whole in its new place before its card leaves the old one,
    and the card of what comes arrives last.
    """
    if (gone := _version_in(folder)) == coming.name:
        return
    if gone:
        _link_all(folder, folder / VERSIONS / gone)
    names = {file.relative_to(coming).as_posix() for file in _files(coming)}
    for file in reversed(_files(folder)):
        if file.name == CARD_FILE or file.relative_to(folder).as_posix() not in names:
            file.unlink()
    _link_all(coming, folder)
    if is_local(folder):
        for place in Path(str(folder)).iterdir():
            with suppress(OSError):  # a file, or something is in it
                if place.name != VERSIONS:
                    place.rmdir()
        sync_file_system(Path(str(folder)))


def _version_in(folder: UPath) -> str | None:
    """None where there is none that could be used again."""
    try:
        return read_card(folder).version
    except (FileNotFoundError, CardMismatchError):
        return None


def check_whole(folder: UPath) -> None:
    """Whether a model's files are all there, and those of its card.

    Raises:
        FileNotFoundError: one is missing.
        CardMismatchError: one is another.
    """
    card = read_card(folder)
    for name in files_of(card):
        if not (folder / name).exists():
            raise FileNotFoundError(f"{folder / name} is missing: train the model again")
    exported = {GRAPH_FILE: card.export.graph_sha256, ARRAYS_FILE: card.export.arrays_sha256} if card.export else {}
    with verified_files(folder, {MODEL_FILE: card.sha256, **exported}):
        pass


def prune(folder: UPath, keep: int) -> list[Version]:
    """Remove the oldest versions of the model in a folder beyond so many; gives those that went.

    Never the champion, nor the newest, by which a report may judge; the champion before only when nothing else is left.
    """
    settle(folder)
    versions = versions_of(folder)
    champion = next((one.id for one in versions if one.is_champion), None)
    before = read_record(folder).before(champion) if champion else None
    others = [one for one in reversed(versions[1:]) if not one.is_champion]
    gone = sorted(others, key=lambda one: one.id == before)[: max(0, len(versions) - keep)]
    with changing(folder):
        for version in gone:
            _remove(version.folder)
    return gone


def _files(folder: UPath) -> list[UPath]:
    """The files of the version in a folder, its card last; not those of other versions, nor what is half written."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    below = {path: path.relative_to(folder).parts for path in found}
    own = [
        path
        for path, parts in below.items()
        if parts[0] != VERSIONS and parts != (CHAMPION_FILE,) and not any(part.startswith(".") for part in parts)
    ]
    return sorted(own, key=lambda path: (below[path] == (CARD_FILE,), below[path]))


def _link_all(source: UPath, target: UPath) -> None:
    for file in _files(source):
        _link(file, target / file.relative_to(source).as_posix())


def _link(source: UPath, target: UPath) -> None:
    """The same file at a second place, at once; a copy where the file system has no links, or is a remote one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not is_local(source):
        source.fs.cp_file(source.path, target.path)  # an object store writes a file at once
        return
    place = Path(str(target))
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            os.link(str(source), part)
        except OSError:
            shutil.copy2(str(source), part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _remove(folder: UPath) -> None:
    """The card first: what is left after a kill passes for nothing."""
    if not folder.exists():
        return
    for file in reversed(_files(folder)):
        file.unlink()
    if is_local(folder):
        shutil.rmtree(str(folder))
