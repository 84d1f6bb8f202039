"""Writing down what a person decides, one decision at a time, in the file that they write by hand too."""

import glob
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from upath import UPath

from cic_assets.domain.overrides.decisions import Different, Label, OverridesError, Said, Same
from cic_assets.domain.overrides.editing import concerns, is_said, record, take_back
from cic_assets.domain.overrides.reading import (
    DIFFERENT,
    KEEP,
    LABELS,
    LEAVE_OUT,
    SAME,
    Decisions,
    digits_of,
    parse_overrides,
)
from cic_assets.domain.overrides.structure import ONLY_BY_HAND, PAIRS
from cic_assets.storage import FolderLock, write_atomically

HEAD = "# What people decided about pictures. It goes before every measure and every source, for ever.\n"
"""Of a file that was begun here; one with nothing else in it any more is removed."""

_BYTE_ORDER_MARK = "\ufeff"
_WHOLE = 64
"""Digits of a SHA-256."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The latest decision is taken back: the latest about one picture, or of this very one, where that is given."""

    sha256: str | None = None
    said: Said | None = None


Decision = Said | Undo

_Statement = tuple[str, tuple[str, ...], str]
"""Section, pictures, and the class or source."""


def decide(
    path: Path,
    decision: Decision,
    *,
    by: str,
    at: datetime,
    classes: Collection[str] | None = None,
    copies: Collection[str] = (),
    check: Callable[[Decisions], None] = lambda _decisions: None,
) -> Said:
    """Write down a decision, change one, or take one back, at once and whole.

    Whoever writes waits for others who do; a reader sees the file before or after. What a person wrote there stays as
    it is, in comments where a decision goes against it; taken back, the file is what it was, byte by byte. Decisions
    that were written by hand are taken back by hand.

    Args:
        path: of the overrides file; there need not be one.
        decision: about pictures, named by their SHA-256.
        by: who decided.
        at: when, in any time zone.
        classes: of the problem; any are taken where they are not given.
        copies: SHA-256 of other copies of the picture: what was decided about them counts no more.
        check: called with what the file says, while nobody else writes; nothing is written where it raises.

    Returns:
        What is decided, or was until it was taken back.

    Raises:
        OverridesError: the file has a mistake, or only a person can change it; it is as it was.
    """
    decision = _with_digits(decision)
    if isinstance(decision, Label) and classes is not None and decision.klass not in classes:
        raise OverridesError(f"found {decision.klass!r}, expected one of {', '.join(classes)}")
    file = path.resolve()  # of a link what it leads to
    with FolderLock(file.parent).held():
        for leftover in file.parent.glob(f".{glob.escape(file.name)}.*.part"):
            leftover.unlink(missing_ok=True)  # of a writer that was killed: who writes holds the lock
        text = _read(file)
        before = parse_overrides(text, str(path), classes)
        check(before)
        mark = text[: text.startswith(_BYTE_ORDER_MARK)]
        try:
            changed, said = _changed(text.removeprefix(mark), decision, copies, by, at)
        except OverridesError as error:
            raise OverridesError(f"{path}: {error}") from None
        after = _parsed(changed, path, classes)
        if not _changes_nothing_else(before, after, said, copies, is_undo=isinstance(decision, Undo)):
            raise OverridesError(f"{path}: {ONLY_BY_HAND}")
        if isinstance(decision, Same | Different):
            _refuse_contradictions(before, after, path)
        if changed == HEAD and isinstance(decision, Undo):
            file.unlink()
        elif mark + changed != text:
            write_atomically(UPath(file), (mark + changed).encode())
    return said


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return HEAD
    except UnicodeDecodeError as error:
        raise OverridesError(f"{file}: cannot be read as UTF-8 text ({error})") from None


def _with_digits(decision: Decision) -> Decision:
    if isinstance(decision, Same | Different):
        one, other = digits_of(decision.one), digits_of(decision.other)
        if one == other:
            raise OverridesError(f"found {one[:12]} twice, expected two pictures")
        return type(decision)(one, other)
    return decision if decision.sha256 is None else replace(decision, sha256=digits_of(decision.sha256))


def _changed(text: str, decision: Decision, copies: Collection[str], by: str, at: datetime) -> tuple[str, Said]:
    if isinstance(decision, Undo):
        return take_back(text, decision.sha256, decision.said)
    return record(text, decision, copies, by, at), decision


def _parsed(changed: str, path: Path, classes: Collection[str] | None) -> Decisions:
    try:
        return parse_overrides(changed, str(path), classes)
    except OverridesError:  # not the file has a mistake, but what would come of it
        raise OverridesError(f"{path}: {ONLY_BY_HAND}") from None


def _changes_nothing_else(
    before: Decisions, after: Decisions, said: Said, copies: Collection[str], *, is_undo: bool
) -> bool:
    """Whether a file says what it said of all else. One can be written in ways in which it would not.

    Args:
        before: what the file says.
        after: what it would say.
        said: what is decided, or taken back.
        copies: of the picture.
        is_undo: it is taken back, so that what was said of copies may count again.
    """
    old, new = _statements(before), _statements(after)
    own = {one for one in old | new if concerns(said, copies, one[0], one[1])}
    if is_undo:
        kind = {section for section, _, _ in own}
        return old - own <= new and all(section in _of_a_kind(kind) for section, _, _ in new - own - old)
    found = new & own
    return old - own == new - own and bool(found) and all(is_said(said, section, klass) for section, _, klass in found)


def _of_a_kind(sections: Collection[str]) -> Collection[str]:
    return PAIRS if set(PAIRS) & set(sections) else (LABELS, LEAVE_OUT)


def _statements(decisions: Decisions) -> set[_Statement]:
    def of(section: str, named: Iterable[tuple[str, ...]]) -> set[_Statement]:
        return {(section, names, "") for names in named}

    return (
        of(SAME, decisions.copies.same)
        | of(DIFFERENT, decisions.copies.different)
        | {(KEEP, (kept.sha256,), kept.subreddit or "") for kept in decisions.copies.keep}
        | {(LABELS, (name,), klass) for name, klass in decisions.labels.labels}
        | of(LEAVE_OUT, ((name,) for name in decisions.labels.leave_out))
    )


def _refuse_contradictions(before: Decisions, after: Decisions, path: Path) -> None:
    """Of pictures that are named whole: others have to be known first."""
    names = {name for _, named, _ in _statements(after) for name in named if len(name) == _WHOLE}
    known = before.copies.contradictions(names)
    if new := [line for line in after.copies.contradictions(names) if line not in known]:
        raise OverridesError("\n".join(f"{path}: {line}" for line in new))
