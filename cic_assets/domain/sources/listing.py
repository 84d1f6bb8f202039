"""What each kind of source offers: media, and the files that hold them where they are here already."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import zstandard

from cic_assets.domain.download import FetchRequest
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.reddit import RedditSettings, direct_picture, fetch_posts, media_of
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.files import LocalFile
from cic_assets.domain.sources.folders import folder_media
from cic_assets.domain.sources.kaggle import kaggle_media
from cic_assets.domain.sources.presence import why_missing
from cic_assets.domain.sources.source import Partition, SourceKind
from cic_assets.storage import sha256_hex

if TYPE_CHECKING:
    from praw import Reddit

URL_COLUMNS = ("url", "media_url", "image_url", "link")
"""Names, in this order, under which tables of URLs have them."""

_TEXT = "utf-8-sig"
"""UTF-8, with or without the mark that Windows' editors put first."""

# Dumps of submissions are compressed with a window of 2 GiB, far over zstd's default limit.
_ZSTD_WINDOW = 2**31


@dataclass(frozen=True)
class Listing:
    """What a source offers now.

    Attributes:
        media: in the source's own order.
        files: by `media_url`, where the bytes are here already: of folders, zip archives and data sets of Kaggle.
    """

    media: list[Medium]
    files: Mapping[str, LocalFile] = field(default_factory=dict)


def request_for(medium: Medium) -> FetchRequest:
    """How the picture of a medium is asked for: itself where its page shows just one."""
    return FetchRequest(
        url=medium.media_url, asked_url=direct_picture(medium.media_url), fallback_url=medium.fallback_url
    )


def list_media(
    partition: Partition, settings: RedditSettings, reddit: "Reddit | None", on_progress: Callable[[str], None]
) -> Listing:
    """All media that a source offers.

    Args:
        partition: which source, and its name in the tables.
        settings: of Reddit: listings and filters, for subreddits and dumps.
        reddit: connected client; needed for subreddits alone.
        on_progress: called with a line now and then.

    Raises:
        SourceError: a file or folder is missing or is not what it should be.
        RedditError: the subreddit cannot be listed; the message says what to do.
    """
    if why := why_missing(partition.source):
        raise SourceError(why)
    path = Path(partition.source.value)
    match partition.source.kind:
        case SourceKind.SUBREDDIT:
            if reddit is None:
                raise SourceError(f"{partition.source}: needs a connection to Reddit or to an archive")
            posts = fetch_posts(
                reddit,
                partition.source.value,
                settings,
                lambda listing, posts: on_progress(f"{partition.source}: {posts} posts, reading {listing}"),
            )
            return Listing([one for post in posts for one in media_of(post, settings, subreddit=partition.key)])
        case SourceKind.FOLDER:
            return Listing(*folder_media(path, partition.key))
        case SourceKind.URLS:
            return Listing(list(_urls(path, partition.key)))
        case SourceKind.DUMP:
            return Listing(list(_dump(path, settings, partition.key)))
        case SourceKind.KAGGLE:
            return Listing(*kaggle_media(partition.source.value, partition.key, on_progress))


def _urls(path: Path, key: str) -> Iterator[Medium]:
    table = _read_table(path)
    column = next((name for name in URL_COLUMNS if name in table.columns), None)
    if column is None:
        found = ", ".join(map(str, table.columns)) or "no columns"
        raise SourceError(f"urls:{path}: found {found}, expected a column named {' or '.join(URL_COLUMNS)}")
    for row, cell in enumerate(table[column]):
        url = "" if pd.isna(cell) else str(cell).strip()
        if url:
            yield Medium(post_id=_short_id(url), subreddit=key, media_url=url, title=url)
        else:
            yield Medium(
                post_id=f"row-{row + 1}",
                subreddit=key,
                media_url="",
                known_outcome=Outcome.BLOCKED,
                reason=f"row {row + 1} has no URL",
            )


def _short_id(url: str) -> str:
    """A name for a URL that stays when lines are put in before it; 64 bits tell a billion URLs apart."""
    return sha256_hex(url.encode("utf-8", "surrogatepass"))[:16]


def _read_table(path: Path) -> pd.DataFrame:
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": lambda file: pd.read_csv(file, dtype=str, encoding=_TEXT),
        ".tsv": lambda file: pd.read_csv(file, dtype=str, encoding=_TEXT, sep="\t"),
        ".txt": lambda file: pd.DataFrame({"url": _words(file)}),
        ".jsonl": lambda file: pd.read_json(file, lines=True, dtype=False, encoding=_TEXT),
        ".parquet": pd.read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"urls:{path}: found {path.suffix or 'no suffix'}, expected one of {', '.join(readers)}")
    try:
        return reader(path)
    except OSError as error:
        raise SourceError(f"urls:{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise SourceError(f"urls:{path}: is not a valid {path.suffix} file: {error}") from None


def _words(file: Path) -> list[str]:
    """The words of a text file without its lines of comments, which begin with #."""
    lines = file.read_text(encoding=_TEXT).splitlines()
    return [word for line in lines if not line.lstrip().startswith("#") for word in line.split()]


def _dump(path: Path, settings: RedditSettings, key: str) -> Iterator[Medium]:
    try:
        with _open_dump(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield from media_of(_submission(line, f"dump:{path}:{number}"), settings, subreddit=key)
    except OSError as error:
        raise SourceError(f"dump:{path}: cannot be read ({error.strerror})") from None
    except zstandard.ZstdError:
        raise SourceError(f"dump:{path}: is not zstd-compressed text: expected one submission a line") from None
    except UnicodeDecodeError:
        raise SourceError(f"dump:{path}: is not UTF-8 text: expected one submission a line") from None


def _open_dump(path: Path) -> IO[str]:
    if path.suffix == ".zst":
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        lines: IO[str] = zstandard.open(path, "rt", dctx=decompressor, encoding=_TEXT)
        return lines
    return path.open(encoding=_TEXT)


def _submission(line: str, where: str) -> dict[str, Any]:
    """What one line says; `where` names it in messages."""
    try:
        submission = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where}: is not JSON ({error}): expected one submission a line") from None
    post_id = submission.get("id") if isinstance(submission, dict) else None
    if not (isinstance(post_id, str) and post_id):
        found = "no id" if post_id is None else f"the id {post_id!r}"
        raise SourceError(f"{where}: has {found}: expected one submission a line, with an id such as 'abc12'")
    return dict(submission)
