"""What the downloader may spend on a file, on a host and in all. Every default has its reason beside it."""

import platform

from pydantic import BaseModel, ConfigDict, Field, model_validator

import cic_assets
from cic_assets.domain.images import ImageLimits

MEBIBYTE = 2**20


def default_user_agent() -> str:
    """`<platform>:<application>:<version>`, the form that Reddit's API rules ask for; other hosts accept it too."""
    version = getattr(cic_assets, "__version__", "0.1.0")
    return f"{platform.system().lower()}:cic_assets:{version}"


class DownloadSettings(BaseModel):
    """Limits, politeness and timeouts of the downloader."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    concurrency: int = Field(default=96, ge=1, le=1024)
    """Requests under way at once, over all hosts. With a host 100 ms away, two cores are busy with as many; see
    `benchmarks/results/download.md`."""

    per_host: int = Field(default=16, ge=1, le=1024)
    """Requests under way at once at one host. Pictures of Reddit lie on few hosts, all of them content networks;
    a browser opens 6 connections over HTTP/1.1 and about 100 streams over HTTP/2."""

    per_host_per_second: float | None = Field(default=None, gt=0)
    """Requests a second at one host, at most; none given: as many as its turns allow. Whatever it is, a host that says
    429 is asked half as fast, and then slowly faster until it says so again."""

    max_bytes: int = Field(default=20 * MEBIBYTE, ge=1024)
    """Longest body that is read. Reddit takes pictures of at most 20 MB."""

    max_bytes_in_flight: int = Field(default=32 * MEBIBYTE, ge=1024)
    """Bodies held in memory at once, over all hosts, each as far as it came: one whose next bytes would go over it, or
    would keep all from their ends, waits for its turn."""

    answer_seconds: float = Field(default=6, gt=0)
    """How long a host may take to resolve, connect and send the headers. A host that never answers costs this."""

    deadline_seconds: float = Field(default=30, gt=0)
    """How long one URL may take in all, its redirects and retries included and our own waiting between them not."""

    min_bytes_per_second: float = Field(default=2048, ge=0)
    """A body slower than this, on average after the grace, is given up: at 10 bytes a second nothing ever ends."""

    grace_seconds: float = Field(default=5, gt=0)
    """How far a body may lag behind `min_bytes_per_second`: the longest silence in a transfer."""

    retries: int = Field(default=3, ge=0, le=10)
    """Further attempts after a failure that may pass: 408, 5xx, a broken connection, a body cut short. What is answered
    with 429 is asked again, more slowly, until it comes or its host lets nothing through any more."""

    backoff_seconds: float = Field(default=0.5, ge=0)
    """Mean wait before the first retry; it doubles each time, and jitter spreads it from half to one and a half.
    So it is with a host's pause after 429, unless the host says how long."""

    max_wait_seconds: float = Field(default=20, ge=0)
    """Longest Retry-After that is waited for, and longest pause after 429. A URL for which its host asks for more is
    given up; with 429 the host is."""

    max_redirects: int = Field(default=10, ge=0, le=30)
    """Redirects that are followed for one URL; browsers allow 20, no picture host needs more than three."""

    host_failures: int = Field(default=20, ge=1)
    """After so many connections in a row that got no answer, a host's other URLs are given up unasked."""

    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    """Ports that are connected to. The web's; a picture is never behind a database's or a mail server's."""

    robots_directives: frozenset[str] = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
    """X-Robots-Tag directives that are taken as "do not train on this"; an empty set honours none.
    The same ones as img2dataset's, and `none`, which stands for noindex and nofollow."""

    limits: ImageLimits = ImageLimits()
    """Pixels and sides that a picture may have."""

    placeholders: frozenset[str] = frozenset()
    """SHA-256 of pictures that stand for a removed one, besides those that we know."""

    user_agent: str = Field(default_factory=default_user_agent, min_length=1, pattern=r"^[\x20-\x7e]+$")
    """Who asks: the platform, `cic_assets` and its version. Name a way to reach you when you scrape much."""

    workers: int = Field(default=4, ge=1, le=64)
    """Threads that look into pictures and write them, beside the thread of the event loop. More than cores, as half
    of their time they wait for the disk: with 1, 2, 4 and 8 an ext4 disk kept 185, 364, 1,155 and 730 files/s."""

    max_decoding_bytes_in_flight: int = Field(default=150_000_000, ge=1)
    """Memory for decoding at once, over all threads; a picture that takes more, as some of those do that
    `limits.max_decoding_bytes` lets through, is decoded alone. With the bodies in flight and the libraries, which take
    160 MB, that makes less than 400 MB in all, or as much more as that one picture takes."""

    @model_validator(mode="after")
    def _one_file_fits_in_memory(self) -> "DownloadSettings":
        if self.max_bytes_in_flight < self.max_bytes:
            raise ValueError(
                f"max_bytes_in_flight ({self.max_bytes_in_flight}) must be at least max_bytes ({self.max_bytes})"
            )
        return self
