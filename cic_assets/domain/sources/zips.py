"""Zip archives as folders, read in place: nothing is unpacked to disk, and no entry further than the limits.

The directory of an archive is Python's to read; the entries are read here, because its reader unpacks bzip2 and LZMA
in pieces of any size and cannot be used from several threads at once.
"""

import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from cic_assets.domain.download import FetchError
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.files import LocalFile, is_hidden

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\3\4"
_ENCRYPTED = 0x1
_SLACK = 1024
"""Deflate makes what it cannot pack longer by 5 bytes in 16 kB, and one file of `max_bytes` by a little over that."""


def split_at_archive(path: Path) -> tuple[Path, str] | None:
    """The zip archive that a path leads into, and the folder inside it; None if no part of the path is a file."""
    archive = next((part for part in (path, *path.parents) if part.is_file()), None)
    return (archive, "/".join(path.relative_to(archive).parts)) if archive else None


def zipped_files(archive: Path, folder: str, key: str) -> tuple[list[Medium], dict[str, LocalFile]]:
    """The media of one folder of an archive in the order of their names, and the file of each that is to be read.

    Args:
        archive: the zip file.
        folder: inside it, such as `train/car`; empty for all of it.
        key: the partition.

    Raises:
        SourceError: this is no zip archive, it is built to do harm, or it has no such folder.
    """
    entries = _entries(archive)
    inside = [entry for entry in entries if not folder or _name(entry).startswith(folder + "/")]
    if not inside:
        raise SourceError(f"folder:{archive / folder}: there is no such folder in {archive}; {_folders_of(entries)}")
    media, files = [], {}
    for entry, name, times in _numbered(inside):
        medium = _medium(archive, entry, name, times, key)
        media.append(medium)
        if not medium.known_outcome:
            files[medium.media_url] = _local_file(archive, entry, medium.media_url)
    return media, files


def _entries(archive: Path) -> list[zipfile.ZipInfo]:
    """The visible files of an archive.

    Raises:
        SourceError: its directory cannot be read, or its entries lie in one another, as those of zip bombs do.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
    except OSError as error:
        raise SourceError(f"folder:{archive}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # noqa: BLE001 - zipfile raises nearly anything on broken directories
        raise SourceError(
            f"folder:{archive}: is not a whole zip archive ({error}): expected one that `unzip -t` passes"
        ) from None
    _refuse_overlaps(archive, entries)
    return [entry for entry in entries if not _name(entry).endswith("/") and not is_hidden(_name(entry))]


def _refuse_overlaps(archive: Path, entries: Iterable[zipfile.ZipInfo]) -> None:
    """D. Fifield, "A better zip bomb" (2019): many entries that share the same packed bytes."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise SourceError(f"folder:{archive}: its entries overlap, as those of a zip bomb do: it is not read")
        end = entry.header_offset + _LOCAL_HEADER.size + entry.compress_size


def _name(entry: zipfile.ZipInfo) -> str:
    """Some programs on Windows divide folders by backslashes."""
    return entry.filename.replace("\\", "/") or "(no name)"


def _folders_of(entries: Iterable[zipfile.ZipInfo]) -> str:
    folders = sorted({PurePosixPath(_name(entry)).parent.as_posix() for entry in entries} - {"."})
    return f"found {', '.join(folders[:10])}" if folders else "it has no folders"


def _numbered(entries: Iterable[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, str, int]]:
    """Entries in the order of their names, and how often that name came before: nothing forbids to repeat one."""
    seen: Counter[str] = Counter()
    for entry in sorted(entries, key=lambda entry: (_name(entry), entry.header_offset)):
        name = _name(entry)
        yield entry, name, seen[name]
        seen[name] += 1


def _medium(archive: Path, entry: zipfile.ZipInfo, name: str, times: int, key: str) -> Medium:
    outcome, reason = _why_not(entry, name)
    return Medium(
        post_id=name,
        subreddit=key,
        media_url=f"{archive.as_uri()}/{quote(name, errors='backslashreplace')}" + (f"#{times + 1}" if times else ""),
        position=times,
        title=name,
        created_utc=_modified(entry),
        known_outcome=outcome,
        reason=reason,
    )


def _why_not(entry: zipfile.ZipInfo, name: str) -> tuple[Outcome | None, str]:
    """What tells before reading that an entry is not taken, and why."""
    if name.startswith("/") or name[1:2] == ":" or ".." in PurePosixPath(name).parts:
        return Outcome.BLOCKED, "its name leads out of the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return Outcome.SKIPPED, "a link; only files that are in the archive itself are read"
    return None, ""


def _modified(entry: zipfile.ZipInfo) -> float:
    """Seconds since 1970; the zone is not known, and taken for UTC so that it is the same everywhere."""
    try:
        return datetime(*entry.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _local_file(archive: Path, entry: zipfile.ZipInfo, url: str) -> LocalFile:
    return LocalFile(
        url, entry.file_size, f"{entry.CRC:08x}-{entry.file_size:x}", lambda most: _unpacked(archive, entry, most)
    )


def _unpacked(archive: Path, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The content of an entry, unpacked no further than `most` bytes and one more.

    Raises:
        FetchError: it is encrypted, packed in an unusual way, cut or damaged.
    """
    if entry.flag_bits & _ENCRYPTED:
        raise FetchError(Outcome.ERROR, "encrypted: unpack the archive with its password first")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FetchError(Outcome.ERROR, f"packed by method {entry.compress_type}, expected 8 (deflate) or 0 (not)")
    packed = _packed(archive, entry, most)
    data = packed if entry.compress_type == zipfile.ZIP_STORED else _inflated(packed, most)
    if len(data) <= most and (len(data) != entry.file_size or zlib.crc32(data) != entry.CRC):
        raise FetchError(Outcome.ERROR, "damaged: its checksum is another")
    return data


def _packed(archive: Path, entry: zipfile.ZipInfo, most: int) -> bytes:
    if entry.compress_size > most + most // 1024 + _SLACK:
        raise FetchError(Outcome.TOO_LARGE, f"{entry.compress_size} bytes packed, more than {most}")
    with archive.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != _LOCAL_MAGIC:
            raise FetchError(Outcome.ERROR, "damaged: the archive's directory leads to no file")
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        file.seek(name_length + extra_length, 1)
        packed = file.read(entry.compress_size)
    if len(packed) < entry.compress_size:
        raise FetchError(Outcome.TRUNCATED, f"{len(packed)} of {entry.compress_size} packed bytes")
    return packed


def _inflated(packed: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, most + 1)
    except zlib.error as error:
        raise FetchError(Outcome.ERROR, f"damaged: {error}") from error
    if not inflater.eof and len(data) <= most:
        raise FetchError(Outcome.TRUNCATED, "ends inside its packing")
    return data
