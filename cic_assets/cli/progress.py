"""What a person sees while the graph runs."""

import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console


class Progress:
    """What runs and for how long: one moving line on a terminal, plain lines elsewhere."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._status = console.status("") if console.is_terminal else None
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._start

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._status:
            self._status.stop()

    def stage(self, title: str) -> None:
        """Say what begins."""
        self._console.print(f"[{self.seconds:4.0f} s] {title}", highlight=False, markup=False, style="bold")
        if self._status:
            self._status.update(title)

    def line(self, text: str) -> None:
        """Say what a step says; of several lines the first."""
        first = text.strip().splitlines()[0] if text.strip() else ""
        # A log file takes lines of any length; a terminal shows what fits.
        fit = {"overflow": "ellipsis", "no_wrap": True} if self._console.is_terminal else {"soft_wrap": True}
        self._console.print(f"         {first}", highlight=False, markup=False, **fit)
