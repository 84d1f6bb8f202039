"""What all replayed APIs share: their answers, the files that they are made of, and the faults that they play."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

from cic_assets.web.replay.archive import ArchiveError, lines_of

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer: JSON, or the text of whoever stands before the API."""

    content: Any
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The bytes that are sent."""
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        return text.encode()

    @property
    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """With the type of the body."""
        kind = "text/plain; charset=utf-8" if isinstance(self.content, str) else "application/json; charset=utf-8"
        return [(name.encode(), value.encode()) for name, value in {**self.headers, "content-type": kind}.items()]


class OpenApi:
    """One API over the files of a folder, which are read again when they change.

    Args:
        folder: of the archive.
    """

    host: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], list[Json]]] = {}
        self._played: Counter[str] = Counter()
        self.faults()

    def answer(self, path: str, query: Mapping[str, str], agent: str) -> Reply:
        """The answer to one question of somebody who calls himself `agent`."""
        raise NotImplementedError

    def lines(self, name: str) -> list[Json]:
        """The objects of `NAME.jsonl`; none where there is no such file."""
        path = self._folder / f"{name}.jsonl"
        if not path.exists():
            return []
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if self._read.get(name, ((), []))[0] != stamp:
            self._read[name] = (stamp, [_object(where, line) for where, line in lines_of(path)])
        return self._read[name][1]

    def faults(self) -> Json:
        """What `faults.json` says."""
        path = self._folder / "faults.json"
        return _object(str(path), path.read_bytes()) if path.exists() else {}

    def plays(self, fault: str) -> bool:
        """Whether this question gets a fault: the first so many that ask for it do."""
        times = int(self.faults().get(fault, 0))
        if self._played[fault] >= times:
            return False
        self._played[fault] += 1
        return True

    @property
    def retry_after(self) -> dict[str, str]:
        """The header of faults that say when to come back."""
        told = self.faults().get("retry_after")
        return {} if told is None else {"retry-after": str(told)}


def _object(where: str, text: bytes) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ArchiveError(f"{where}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ArchiveError(f"{where}: expected a JSON object, found {type(found).__name__}")
    return found
