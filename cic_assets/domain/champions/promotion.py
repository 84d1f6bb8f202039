"""Making a version the champion: after a training by the rule, or by a person."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from upath import UPath

from cic_assets.domain.champions.comparing import NotComparableError, compare
from cic_assets.domain.champions.rule import Verdict, decide
from cic_assets.domain.champions.settings import PromotionSettings
from cic_assets.domain.models import (
    CHAMPION_FILE,
    CardMismatchError,
    Comparison,
    Decision,
    ModelError,
    Version,
    admit,
    change_champion,
    check_whole,
    deciding,
    files_of,
    note,
    prune,
    read_record,
    read_version,
    settle,
    versions_of,
)
from cic_assets.domain.people import user_name
from cic_assets.storage import DataRoot, read_json

Say = Callable[[str], None]

BY_TRAINING = "the training"


class ChampionError(ValueError):
    """A version cannot be named, or made the champion; the message says why, and what to do."""


def promote_trained(
    root: DataRoot, name: str, settings: PromotionSettings, say: Say = lambda _line: None
) -> tuple[Version, Decision]:
    """Make what a training left a version, and the champion where the rule says so; then remove what is too old.

    Args:
        root: the data root.
        name: of the model.
        settings: the rule's.
        say: takes a line for what is decided and what goes.

    Returns:
        The new version, and what was decided.
    """
    folder = root.model(name)
    with deciding(root, name, say):
        _drop_damaged_record(folder, say)
        settle(folder)
        champion = _usable_champion(folder)
        new = admit(folder)
        if isinstance(champion, str):
            decision = _decision(new.id, None, Verdict(True, champion))
        else:
            decision = _by_rule(root, name, new, champion, settings.margin)
        (change_champion if decision.promoted else note)(folder, decision)
        say(f"{name}: version {new.id} {'answers from now on' if decision.promoted else 'does not answer'}, as "
            f"{decision.reason}")  # fmt: skip
        for gone in prune(folder, settings.keep_versions):
            say(f"{name}: version {gone.id} is removed, as {settings.keep_versions} are kept")
    return new, decision


def _drop_damaged_record(folder: UPath, say: Say) -> None:
    """What was decided is lost then; what lies in the model's folder is the champion."""
    try:
        read_record(folder)
    except CardMismatchError as error:
        say(str(error))
        (folder / CHAMPION_FILE).unlink()


def _usable_champion(folder: UPath) -> Version | str:
    """The champion, or why there is none."""
    try:
        champion = next((one for one in versions_of(folder) if one.is_champion), None)
    except CardMismatchError as error:
        return f"the champion cannot be used any more ({error})"
    if champion is None:
        return "it is the only one"
    if not all((champion.folder / file).exists() for file in files_of(champion.card)):
        return "files of the champion are gone"
    return champion


def _by_rule(root: DataRoot, name: str, new: Version, champion: Version, margin: float) -> Decision:
    def compared() -> Comparison | str:
        try:
            return compare(root, champion, new)
        except (NotComparableError, ModelError, FileNotFoundError) as error:
            return str(error)

    crowning = read_record(root.model(name)).crowning(champion.id)
    by_hand = crowning if crowning and crowning.by_hand else None
    verdict, comparison = decide(new.card, champion.card, compared, by_hand, margin)
    return _decision(new.id, champion.id, verdict, comparison=comparison)


def promote_by_hand(root: DataRoot, name: str, version: str, reason: str, say: Say = lambda _line: None) -> Decision:
    """Make a version the champion because a person wants it.

    Args:
        root: the data root.
        name: of the model.
        version: its id, or the beginning of it or of its hash, where that is no other's.
        reason: why, as the person says it.
        say: takes a line where another command is at work on it.

    Raises:
        ChampionError: there is no such version, its files are not whole, or it knows other classes.
    """
    _versions(root, name)  # what is locked is there
    with deciding(root, name, say):
        settle(root.model(name))
        return _crown(root, name, find_version(root, name, version), "promote", reason)


def roll_back(root: DataRoot, name: str, reason: str, say: Say = lambda _line: None) -> Decision:
    """Make the champion before the champion again; done twice, the one before that. Arguments as of `promote_by_hand`.

    Raises:
        ChampionError: there is none, or its files are not whole.
    """
    folder = root.model(name)
    _versions(root, name)
    with deciding(root, name, say):
        settle(folder)
        versions = {one.id: one for one in _versions(root, name)}
        record, before = read_record(folder), next((one.id for one in versions.values() if one.is_champion), None)
        while before is not None:
            before = record.before(before)
            if before in versions:
                return _crown(root, name, versions[before], "rollback", reason)
        raise ChampionError(f"{name} has no champion before this one: see `cic models list`")


def _crown(root: DataRoot, name: str, version: Version, kind: Literal["promote", "rollback"], reason: str) -> Decision:
    folder, description = root.model(name), root.dataset / "dataset.json"
    if description.exists() and set(read_json(description)["classes"]) != set(version.card.labels):
        raise ChampionError(f"{name} {version.id} knows other classes than the data set has")
    try:
        read_version(folder, version.id, check_whole)
    except (ModelError, FileNotFoundError) as error:
        raise ChampionError(str(error)) from None
    champion = next((one.id for one in _versions(root, name) if one.is_champion), None)
    decision = _decision(version.id, champion, Verdict(True, reason), kind=kind, by=user_name())
    change_champion(folder, decision)
    return decision


def find_version(root: DataRoot, name: str, version: str | None = None) -> Version:
    """A version of a model by what a person calls it; the champion unless one is named.

    Raises:
        ChampionError: there is none of this name, or there are several.
    """
    versions = _versions(root, name)
    if version is None:
        return next(one for one in versions if one.is_champion)
    found = [one for one in versions if one.id == version]
    found = found or [one for one in versions if one.id.startswith(version) or one.card.sha256.startswith(version)]
    if len(found) != 1:
        what = "has no version" if not found else f"has {len(found)} versions that begin with"
        raise ChampionError(f"{name} {what} {version}: expected one of {', '.join(one.id for one in versions)}")
    return found[0]


def _versions(root: DataRoot, name: str) -> list[Version]:
    """At least one, the champion among them."""
    try:
        versions = versions_of(root.model(name))
    except ModelError as error:
        raise ChampionError(str(error)) from None
    if not any(one.is_champion for one in versions):
        raise ChampionError(f"no model {name!r} in {root.url}: see `cic models list`")
    return versions


def _decision(version: str, over: str | None, verdict: Verdict, **values: Any) -> Decision:
    return Decision(
        version=version,
        over=over,
        promoted=verdict.promoted,
        reason=verdict.reason,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        **{"kind": "training", "by": BY_TRAINING, **values},
    )
