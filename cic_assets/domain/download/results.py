"""What goes into the downloader and what comes out: requests, downloads, failures, progress."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cic_assets.domain.media import Outcome

MAX_REASON_LENGTH = 240

logger = logging.getLogger(__name__)


def presentable(text: str) -> str:
    """Text that may quote a host, in one line and without what a terminal or a table could stumble over."""
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in line)[:MAX_REASON_LENGTH]


class FetchError(Exception):
    """Why a URL gave no picture: the outcome it ends in, unless another attempt does better.

    Attributes:
        outcome: what the row will say.
        reason: why, in a few words.
        transient: whether asking again may help.
        wait: seconds that the host asked us to wait before that, if it did.
        host_fault: the host is at fault, not this picture: it gave no answer, or told us to wait.
        too_fast: the host says that we ask too fast (429).
        final: the host says that there is no such picture, or that it must not be shown (404, 410, 451).
    """

    def __init__(
        self,
        outcome: Outcome,
        reason: str,
        *,
        transient: bool = False,
        wait: float | None = None,
        host_fault: bool = False,
        too_fast: bool = False,
        final: bool = False,
    ) -> None:
        reason = presentable(reason)
        super().__init__(f"{outcome}: {reason}")
        self.outcome = outcome
        self.reason = reason
        self.transient = transient
        self.wait = wait
        self.host_fault = host_fault
        self.too_fast = too_fast
        self.final = final

    @property
    def may_pass(self) -> bool:
        """Whether it may be gone in another run, even where asking again in this one is no use."""
        return self.transient or self.host_fault


@contextmanager
def nothing_unforeseen() -> Iterator[None]:
    """One URL must not end a run of ten thousand: what goes wrong with it in the block ends as its `FetchError`."""
    try:
        yield
    except FetchError:
        raise
    except Exception as error:
        # Whatever we did not foresee is logged with where it happened.
        logger.exception("unforeseen error about a URL")
        raise FetchError(Outcome.ERROR, f"unforeseen {type(error).__name__}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """One URL to fetch.

    Attributes:
        url: asked exactly as given: case and query count.
        asked_url: where the picture of `url`, a page that shows just one, is; asked in its place.
        fallback_url: tried when `url` fails in a way that says nothing about the picture's owner's will.
    """

    url: str
    asked_url: str | None = None
    fallback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What became of one URL.

    Attributes:
        url: as it was requested.
        outcome: one word.
        reason: why, in a few words; "" where all went well.
        sha256: of the bytes in the store; what `download` gives has it exactly when `outcome` is `ok`.
        format: a key of `cic_assets.storage.EXTENSIONS`, from the bytes.
        width: in pixels, as displayed.
        height: in pixels, as displayed.
        bytes: length of the body.
        final_url: where the bytes came from, after redirects.
        etag: the ETag header.
        last_modified: the Last-Modified header, likewise.
        used_fallback: the bytes are those of `fallback_url`.
        transient: another run may do better: the host was at fault, or the connection, not the picture.
        attempts: requests that were sent, redirects included; 0 if none was.
        seconds: from the first request until the end, waiting included.
    """

    url: str
    outcome: Outcome
    reason: str = ""
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    final_url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    used_fallback: bool = False
    transient: bool = False
    attempts: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Progress:
    """How far a run is; the same object from its start to its end.

    Attributes:
        total: of them in all.
        unit: what is counted.
        counts: how many by outcome so far.
        bytes: received so far.
        seconds: since the start.
    """

    total: int
    unit: str = "URLs"
    counts: Counter[Outcome] = field(default_factory=Counter)
    bytes: int = 0
    seconds: float = 0.0

    def count(self, download: Download, seconds: float) -> None:
        """One more has its outcome, so many seconds after the start."""
        self.counts[download.outcome] += 1
        self.bytes += download.bytes or 0
        self.seconds = seconds

    @property
    def done(self) -> int:
        """How many have an outcome."""
        return self.counts.total()

    @property
    def rate(self) -> float:
        """Of them a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Estimate for the rest at the rate so far; None while nothing is done."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None

    def __str__(self) -> str:
        remaining = "" if self.remaining_seconds is None else f", {self.remaining_seconds:.0f} s left"
        counts = ", ".join(f"{outcome} {count}" for outcome, count in self.counts.most_common())
        megabytes = f"{self.bytes / 1e6:.1f} MB"
        return f"{self.done} of {self.total} {self.unit}, {megabytes}, {self.rate:.1f} a second{remaining} ({counts})"
