"""Whose pictures an export holds, and on what terms: `ATTRIBUTION.csv`, a part of the card, and what may not go out."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.licenses import family_of, is_shareable
from cic_assets.storage import DataRoot

ATTRIBUTION = "ATTRIBUTION.csv"

RAW = "raw_images"
_KEY = ["subreddit", "post_id", "sha256"]
_SAID = ["title", "author", "author_url", "license", "license_url", "source_page", "attribution", "fetched_at"]

COLUMNS = (
    "file", "resized_sha256", "class", "split", "title", "author", "author_url", "license", "license_url",
    "source_page", "attribution", "changes", "retrieved_at",
)  # fmt: skip
"""Of `ATTRIBUTION.csv`: title, author, source and licence, as Creative Commons asks for them, and what was changed."""

_ENDORSED = {
    "openverse-": "Openverse: made using the Openverse API but not endorsed by it",
    "commons-": "Wikimedia Commons",
    "inat-": "iNaturalist, whose observers took the photos",
}
"""What the services ask to be called, by how their ids begin."""

Rights = Mapping[str, Mapping[str, Any]]
"""What is said of a picture's terms, by its SHA-256."""


def load_rights(root: DataRoot, pictures: pd.DataFrame) -> Rights:
    """The rights of those pictures whose source names a licence.

    Args:
        root: the data root.
        pictures: columns `subreddit`, `post_id` and `sha256`.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for key in sorted(set(pictures["subreddit"]) & set(root.table_partitions(RAW))):
        raw = root.read_table(RAW, key)
        if "license" in raw.columns:
            rows = raw[raw["license"] != ""].merge(pictures[_KEY], on=_KEY).drop_duplicates("sha256")
            found |= {row["sha256"]: row for row in rows[[*_KEY, *_SAID]].to_dict("records")}
    return found


def refuse_unshareable(rights: Rights) -> None:
    """Refuse an export with pictures whose licence forbids to pass them on.

    Raises:
        DatasetError: there are some; the message counts them by licence.
    """
    forbidden = Counter(sorted(row["license"] for row in rights.values() if not is_shareable(row["license"])))
    if forbidden:
        counts = ", ".join(f"{count} {license_id}" for license_id, count in forbidden.most_common())
        pictures = "1 picture" if forbidden.total() == 1 else f"{forbidden.total()} pictures"
        raise DatasetError(
            f"{pictures} may not be passed on by their licence ({counts}): leave them out by `licenses` and run again, "
            "or take --all-rights for an export that you keep to yourself"
        )


def attribution_rows(rows: Iterable[Mapping[str, Any]], rights: Rights, side: int) -> list[dict[str, str]]:
    """The lines of `ATTRIBUTION.csv`, one a picture with a licence, in the order of their files.

    Args:
        rows: of the data set, with `file` where a picture is a file of its own.
        rights: by SHA-256.
        side: of the pictures as they go out, in pixels.
    """
    lines = []
    for row in rows:
        if said := rights.get(row["sha256"]):
            texts = {name: str(said[name]) for name in _SAID}
            lines.append(
                {
                    "file": str(row.get("file", "")),
                    "resized_sha256": row["resized_sha256"],
                    "class": row["klass"],
                    "split": str(row["split"]),
                    **{name: texts[name] for name in COLUMNS if name in texts},
                    "changes": f"shorter side to {side} pixels, cut to a square, saved as JPEG",
                    "retrieved_at": texts["fetched_at"],
                }
            )
    return sorted(lines, key=lambda line: (line["file"], line["resized_sha256"]))


def write_attribution(folder: Path, lines: Iterable[Mapping[str, str]]) -> None:
    """Write `ATTRIBUTION.csv`."""
    with (folder / ATTRIBUTION).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def licenses_in(rights: Rights) -> list[tuple[str, str, int]]:
    """Licences with their addresses and how many pictures have them, most frequent first."""
    counts = Counter((row["license"], row["license_url"]) for row in rights.values())
    return [(name, url, count) for (name, url), count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def card_text(rights: Rights, total: int) -> str:
    """The part of a data card that says on what terms the pictures are; empty where none has a licence."""
    if not rights:
        return ""
    table = "\n".join(
        f"| {f'[{name}]({url})' if url else name} | {count:,} |" for name, url, count in licenses_in(rights)
    )
    services = [
        words for start, words in _ENDORSED.items() if any(row["post_id"].startswith(start) for row in rights.values())
    ]
    alike = _ALIKE if any(family_of(row["license"]) == "cc-by-sa" for row in rights.values()) else ""
    return _TEXT.format(
        count=f"{len(rights):,}", total=f"{total:,}", table=table, services="; ".join(services), alike=alike
    )


_ALIKE = """
Pictures under ShareAlike, of which the ones here are adaptations, stay under their licence wherever they go.
"""

_TEXT = """
## Whose pictures these are

{count} of {total} pictures have a licence that their source names. `ATTRIBUTION.csv` says of each its author, title,
licence with the address of its text, source page, and what was changed: who shows or passes on a picture names these.

| licence | pictures |
|---|---:|
{table}

They come from {services}. All of them were resized and cut for this set. What licences say was taken over from the
sources when the pictures were fetched, and nobody here vouches for it; it may have changed since, or a file been
deleted. They are about copyright alone: who is shown has rights of their own.
{alike}"""
