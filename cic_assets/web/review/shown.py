"""Entries and pictures as the page gets them. All that strangers wrote is one line of plain text, or a checked link."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cic_assets.domain.hostile import plain_text, safe_link
from cic_assets.domain.overrides import Different, Label, LeaveOut, Said, Same
from cic_assets.domain.review import Open, ReviewBook, Seen

_MOST_PLACES = 4
_KINDS: Mapping[str, type[Said]] = {"label": Label, "leave_out": LeaveOut, "same": Same, "different": Different}
_FIELDS = {Label: ("sha256", "klass"), LeaveOut: ("sha256",), Same: ("one", "other"), Different: ("one", "other")}


def shown_entry(found: Open, book: ReviewBook) -> dict[str, Any]:
    """An entry with its pictures."""
    entry = found.entry
    return {
        "id": entry.id,
        "queue": entry.queue,
        "place": found.place,
        "why": [plain_text(line, 400) for line in entry.why],
        "answers": list(entry.answers),
        "classes": entry.takes_classes,
        "more": max(len(entry.copies) - len(entry.pictures), 0),
        "pictures": [
            {"sha256": name, "size": _size(seen), "places": [_place(one, book) for one in seen[:_MOST_PLACES]]}
            for name, seen in ((name, book.seen(name)) for name in entry.pictures)
        ],
    }


def shown_decision(said: Said) -> dict[str, str]:
    """A decision, for the page to bring back when it is taken back."""
    kind = next(name for name, kind in _KINDS.items() if isinstance(said, kind))
    return {"kind": kind} | {name: getattr(said, name) for name in _FIELDS[type(said)]}


def read_decision(given: object) -> Said | None:
    """What `shown_decision` gave; None where it is something else."""
    kind = _KINDS.get(str(given.get("kind"))) if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind is None or set(given) != {"kind", *_FIELDS[kind]}:
        return None
    values = [given[name] for name in _FIELDS[kind]]
    return kind(*values) if all(isinstance(value, str) and len(value) <= 64 for value in values) else None  # noqa: PLR2004 - of a SHA-256, and of a class's name


def _size(seen: Sequence[Seen]) -> str:
    if not seen:
        return ""
    pixels = f"{seen[0].width:,} by {seen[0].height:,}, " if seen[0].width else ""
    return f"{pixels}{max(1, round(seen[0].bytes / 1000)):,} kB"


def _place(seen: Seen, book: ReviewBook) -> dict[str, str]:
    """Where a picture is from."""
    when = datetime.fromtimestamp(seen.created_utc, UTC).strftime("%Y-%m-%d") if 0 < seen.created_utc < 2**33 else ""
    return {
        "source": plain_text(seen.source) or "brought to the prediction page",
        "klass": book.problem.classes_by_key.get(seen.source, ""),
        "title": plain_text(seen.title),
        "author": plain_text(seen.author, 40),
        "link": safe_link(seen.permalink),
        "when": when,
    }
