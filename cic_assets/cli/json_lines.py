"""What commands say on standard error, as a JSON object a line, for programs that collect logs."""

import io
import json
from datetime import UTC, datetime
from typing import TextIO

_ERROR = ("Error: ", "failed ", "Traceback ")
"""How lines begin that say what went wrong."""


class JsonLines(io.TextIOBase):
    """Stands for standard error; each line that is whole goes there with its time."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of what comes out."""
        return self._target.encoding

    def fileno(self) -> int:
        """Of standard error, which other programs are given."""
        return self._target.fileno()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take some text; returns how much."""
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            if line.strip():
                self._tell(line)
        return len(text)

    def flush(self) -> None:
        """What is no whole line yet waits for its end."""
        self._target.flush()

    def _tell(self, line: str) -> None:
        level = "error" if line.startswith(_ERROR) else "info"
        said = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "message": line.strip()}
        self._target.write(json.dumps(said, ensure_ascii=False) + "\n")
        self._target.flush()
