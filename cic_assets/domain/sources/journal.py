"""What was fetched already: by a scrape of this source that was killed, or for another source of the same pictures."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from cic_assets.domain.download import Download
from cic_assets.domain.media import Outcome
from cic_assets.domain.sources.asking import Asked, asked_now
from cic_assets.domain.sources.table import TABLE, as_download, completed
from cic_assets.domain.sources.tombstones import url_sha256
from cic_assets.storage import ContentStore, DataRoot, sha256_hex

_NET = frozenset({"reddit", "web"})
"""Origins whose URLs mean the same."""

JOURNALS = "scraping"
"""Their folder in `scratch`."""
_KEYS = frozenset({"origin", "limits"} | {one.name for one in fields(Download)})


@dataclass(frozen=True)
class Journal:
    """What one scrape has fetched so far, a line each, until its table is written.

    A kill cuts the last line at most. On an object store, where nothing can be appended to, there is none: a killed
    scrape asks for everything again.

    Attributes:
        root: the data root.
        key: of the source's partition.
        origin: where its pictures come from.
        limits: version of those that they are judged by; lines by others do not count.
    """

    root: DataRoot
    key: str
    origin: str
    limits: str

    def settled(self) -> dict[str, Download]:
        """What a killed scrape settled, by URL; pictures whose bytes are there whole, even after a power cut."""
        lines = _lines(_path(self.root, self.key))
        downloads = [_download(line) for line in lines if _is_ours(line) and self._about.items() <= line.items()]
        is_settled = [one for one in downloads if asked_now(one, Asked(), "") == Asked()]
        return {one.url: one for one in is_settled if _is_whole(one, self.root.images)}

    @contextmanager
    def open(self) -> Iterator[Callable[[Download], None]]:
        """A function that writes down what became of a URL, for as long as the block lasts."""
        path = _path(self.root, self.key)
        if path is None:
            yield lambda _download: None
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii", buffering=1) as file:
            yield lambda download: _write(file, {**self._about, **asdict(download)})

    @property
    def _about(self) -> dict[str, str]:
        return {"origin": self.origin, "limits": self.limits}


def remove_journal(root: DataRoot, key: str) -> None:
    """Its table is written, or its source is gone: away with it, and with pictures of it that no table names."""
    path = _path(root, key)
    remove_unnamed(root, key, {str(line["sha256"]) for line in _lines(path) if line.get("sha256")})
    if path is not None:
        path.unlink(missing_ok=True)


def remove_unnamed(root: DataRoot, key: str, sha256s: set[str]) -> None:
    """Remove those pictures of a source that no table names: their posts are taken down, or not listed any more."""
    # Its own table first, which names nearly all.
    for one in sorted(root.table_partitions(TABLE), key=lambda one: one != key) if sha256s else []:
        sha256s = sha256s.difference(root.read_rows(TABLE, one, ["sha256"], {"sha256": sha256s})["sha256"])
        if not sha256s:
            return
    root.images.remove_all(sha256s)


def forget_fetched(root: DataRoot, urls: Collection[str], pictures: Collection[str]) -> None:
    """Take what must not be kept out of all journals.

    Args:
        root: the data root.
        urls: by their SHA-256, as tombstones know them.
        pictures: by their SHA-256.
    """
    for path in sorted(_folder(root).glob("*.jsonl")) if root.is_local else []:
        _blank(path, urls, pictures)


def remove_refused(root: DataRoot, key: str, urls: Collection[str]) -> None:
    """Take what must not be kept out of a source's journal, and the pictures that no table names.

    A scrape that was at work while something was taken down, and then killed, has written such down.

    Args:
        root: the data root.
        key: of the source's partition.
        urls: by their SHA-256, as tombstones know them.
    """
    path = _path(root, key)
    if path is not None and path.exists():
        refused = [line for line in _lines(path) if url_sha256(str(line.get("url"))) in urls]
        remove_unnamed(root, key, {str(line["sha256"]) for line in refused if line.get("sha256")})
        _blank(path, urls, ())


def _blank(path: Path, urls: Collection[str], pictures: Collection[str]) -> None:
    """Overwrite lines with spaces, where they are: a scrape may be at work, which appends to this very file."""
    with path.open("r+b") as file:
        at = 0
        for text in file.read().splitlines(keepends=True):
            line = _parsed(text)
            was_cut = not line and text.endswith(b"\n")
            if was_cut or url_sha256(str(line.get("url"))) in urls or line.get("sha256") in pictures:
                file.seek(at)
                file.write(b" " * len(text.rstrip(b"\n")))
            at += len(text)


def fetched_elsewhere(root: DataRoot, key: str, origin: str, limits: str, urls: Collection[str]) -> dict[str, Download]:
    """Those of some URLs of which another source has the picture, by the same limits and from the same place."""
    wanted, found = set(urls), dict[str, Download]()
    origins = _NET if origin in _NET else {origin}
    for other in root.table_partitions(TABLE):
        if other == key or not wanted:
            continue
        columns = sorted(root.columns_of(TABLE, other))
        rows = root.read_rows(TABLE, other, columns, {"media_url": wanted})
        if rows.empty:  # as of nearly all
            continue
        table = completed(rows)
        same = (table["outcome"] == Outcome.OK) & (table["limits"] == limits) & table["origin"].isin(origins)
        rows = table[same].drop_duplicates("media_url")
        has = [root.images.has(sha256, kind) for sha256, kind in zip(rows["sha256"], rows["format"], strict=True)]
        found |= {row["media_url"]: as_download(row) for row in rows[has].to_dict("records")}
        wanted -= found.keys()
    return found


def _folder(root: DataRoot) -> Path:
    return Path(str(root.scratch)) / JOURNALS


def _path(root: DataRoot, key: str) -> Path | None:
    return _folder(root) / f"{key}.jsonl" if root.is_local else None


def _write(file: TextIO, line: Mapping[str, Any]) -> None:
    file.write(json.dumps(line) + "\n")


def _lines(path: Path | None) -> Iterator[dict[str, Any]]:
    """What was written whole."""
    if path is None or not path.exists():
        return
    with path.open("rb") as file:
        yield from filter(None, map(_parsed, file))


def _parsed(text: bytes) -> dict[str, Any]:
    """What a line says; nothing where it was cut, or taken out."""
    with suppress(ValueError):
        line = json.loads(text)
        if isinstance(line, dict):
            return line
    return {}


def _is_ours(line: dict[str, Any]) -> bool:
    """Whether this version wrote a line; what another wrote down is asked for again."""
    return line.keys() == _KEYS and line["outcome"] in set(Outcome)


def _download(line: dict[str, Any]) -> Download:
    values = {name: value for name, value in line.items() if name not in ("origin", "limits")}
    return Download(**{**values, "outcome": Outcome(values["outcome"])})


def _is_whole(download: Download, store: ContentStore) -> bool:
    if download.sha256 is None or download.format is None:
        return True
    try:
        return sha256_hex(store.get(download.sha256, download.format)) == download.sha256
    except FileNotFoundError:
        return False
