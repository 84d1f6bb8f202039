"""A store whose pictures are files of their own while they are few, and in shards once they are many.

Every picture is in the shard of its group (a source) that the first bits of its SHA-256 tell: one picture more, or one
less, concerns one shard. A new one is a file of its own until its shard would grow by a sixteenth by all such, so that
a shard is not written anew for each. Whoever reads need not know: a picture is found wherever it is.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, lru_cache
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.storage.content_store import ContentStore
from cic_assets.storage.object_store import path_of
from cic_assets.storage.shard_plans import Rewrite, plan_rewrites
from cic_assets.storage.shards import (
    Keys,
    Members,
    as_keys,
    as_names,
    list_groups,
    list_shards,
    read_members,
    read_part,
    remove_shard,
    remove_unfinished,
    take_out,
    write_shard,
)

T = TypeVar("T")

FORMAT = "jpeg"
"""Of all pictures in shards."""

_TRIES = 50
"""To find pictures that others move meanwhile, from files of their own to a shard or from one shard to the next: as
many as shards may change while some are read."""

_GAP = 2**20
"""Bytes between two wanted pictures that are read and thrown away, in place of asking twice."""

_AT_ONCE = 256
"""Pictures that are in memory while a shard is written."""

Publishing = Callable[[], AbstractContextManager[None]]


class _Place(NamedTuple):
    shard: str
    offset: int
    size: int


class _Catalogue:
    """Which pictures are in which shards."""

    def __init__(self, shards: Mapping[str, Members]) -> None:
        self.shards = dict(shards)

    @property
    def keys(self) -> Keys:
        """Of all pictures, ascending."""
        return self._sorted[0]

    def find(self, sha256: str) -> _Place | None:
        return self.find_all([sha256])[0] if self.shards else None

    def find_all(self, sha256s: Sequence[str]) -> list[_Place | None]:
        wanted = as_keys(sha256s)
        at, is_there = np.searchsorted(self.keys, wanted), self.have(wanted)
        return [self._place(place) if found else None for place, found in zip(at.tolist(), is_there, strict=True)]

    def have(self, keys: Keys) -> NDArray[np.bool_]:
        if not len(self.keys):
            return np.zeros(len(keys), bool)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.asarray(self.keys[at] == keys)

    @cached_property
    def _sorted(self) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
        """The keys; the shard of each and its place in it."""
        counts = [len(one.keys) for one in self.shards.values()]
        keys = np.concatenate([as_keys([]), *(one.keys for one in self.shards.values())])
        order = np.argsort(keys, kind="stable")
        shard = np.repeat(np.arange(len(counts)), counts)
        places = np.concatenate([np.empty(0, np.int64), *(np.arange(count) for count in counts)])
        return keys[order], shard[order], places[order]

    @cached_property
    def _names(self) -> list[str]:
        return list(self.shards)

    def _place(self, at: int) -> _Place:
        _, shards, places = self._sorted
        name, place = self._names[shards[at]], places[at]
        members = self.shards[name]
        return _Place(name, int(members.offsets[place]), int(members.sizes[place]))


class ShardedStore(ContentStore):
    """Pictures under a SHA-256, each a file of its own as in a `ContentStore`, or in a shard."""

    def __init__(self, root: UPath, shards: UPath) -> None:
        """Take the folders of the files and of the shards."""
        super().__init__(root)
        self._folder = shards
        self._known: _Catalogue | None = None
        self._turn = Lock()

    def __reduce__(self) -> "tuple[Callable[..., ContentStore], tuple[str, ...]]":
        """In another process there is one, however often it is sent there: it reads all indexes once."""
        return _reopened, (str(self.root), str(self._folder))

    def get(self, sha256: str, image_format: str = FORMAT) -> bytes:
        """The bytes of a picture; FileNotFoundError names the missing file."""

        def read(catalogue: _Catalogue) -> bytes:
            place = catalogue.find(sha256)
            return read_part(self._folder, *place) if place else self._file(sha256, image_format)

        return self._found(read)

    def get_all(self, sha256s: Sequence[str]) -> list[bytes]:
        """The bytes of some pictures, in their order; those that lie together in a shard are read together.

        Raises:
            FileNotFoundError: one is missing; it names its file.
        """

        def read(catalogue: _Catalogue) -> list[bytes]:
            places = catalogue.find_all(sha256s)
            of_shards = iter(self._read_together([place for place in places if place]))
            return [
                next(of_shards) if place else self._file(sha256) for sha256, place in zip(sha256s, places, strict=True)
            ]

        return self._found(read)

    def has(self, sha256: str, image_format: str = FORMAT) -> bool:
        """Whether a picture is kept."""
        return self._catalogue.find(sha256) is not None or super().has(sha256, image_format)

    def lacking(self, sha256s: Sequence[str], image_format: str = FORMAT) -> list[str]:
        """Those of some pictures that are not kept; of a remote store in one look for all."""
        self._look_again()
        if not self._catalogue.shards:
            return super().lacking(sha256s, image_format)
        is_packed = self._catalogue.have(as_keys(sha256s))
        rest = [sha256 for sha256, packed in zip(sha256s, is_packed, strict=True) if not packed]
        return ContentStore(self.root).lacking(rest, image_format)

    def names(self) -> set[str]:
        """The SHA-256 of every picture that is kept."""
        return super().names().union(as_names(self._catalogue.keys))

    def files(self) -> set[str]:
        """The SHA-256 of every picture that is a file of its own, in a shard or not."""
        return super().names()

    def holds(self, sha256: str) -> bool:
        """Whether there is anything of a picture."""
        return self._catalogue.find(sha256) is not None or super().holds(sha256)

    def remove_all(self, sha256s: Iterable[str]) -> None:
        """Forget some pictures, of whose bytes none are left in shards; nobody else may write shards meanwhile."""
        gone = frozenset(sha256s)
        for group in list_groups(self._folder):
            remove_unfinished(self._folder, group)  # of who was killed: nobody else would find what goes in there
        super().remove_all(gone)
        self._look_again()
        self._leave_out(as_keys(sorted(gone)), self._catalogue.shards)

    def pack(
        self,
        group: str,
        sizes: Mapping[str, int],
        most_bytes: int,
        *,
        again: Collection[str] = (),
        publishing: Publishing = nullcontext,
    ) -> int:
        """Bring pictures that are files of their own into shards, where these are many.

        What else the shards of the group have stays in them. May be interrupted at any moment, and done again.

        Args:
            group: whose shards they go to, as the name of a folder.
            sizes: bytes of each picture that may be a file of its own, by SHA-256.
            most_bytes: of a tar.
            again: those of them which are in shards as well, and other bytes there.
            publishing: around each moment in which something is written; nobody else may write shards in it.

        Returns:
            How many shards were written.
        """
        plan: list[Rewrite] | None = None
        written = 0
        while plan is None or plan:
            with publishing():
                if self._look_again() or plan is None:
                    remove_unfinished(self._folder, group)
                    plan = list(self._planned(f"{group}/", sizes, most_bytes, frozenset(again)))
                    continue
                rewrite = plan.pop()
                self._replace(rewrite)
                written += len(rewrite.parts)
        return written

    def _planned(
        self, group: str, sizes: Mapping[str, int], most_bytes: int, again: frozenset[str]
    ) -> Iterator[Rewrite]:
        names = super().names()
        files = [name for name in sizes if name in names]
        is_known = self._catalogue.have(as_keys(files))
        new, other = {}, set()
        for name, known in zip(files, is_known, strict=True):
            if known and name not in again and self._file(name) == self._packed(name):
                self.remove_file(name)  # of a run that was killed when the shard was there
                continue
            new[name] = sizes[name]
            if known:
                other.add(name)
        shards = self._catalogue.shards
        own = {shard: members for shard, members in shards.items() if shard.startswith(group)}
        self._leave_out(as_keys(sorted(other)), shards.keys() - own.keys())
        return plan_rewrites(group, own, new, most_bytes, as_keys(sorted(other)))

    def _leave_out(self, keys: Keys, shards: Iterable[str]) -> None:
        """Take some pictures, in the order of their keys, out of those of some shards that have them."""
        if not len(keys):
            return
        known = dict(self._catalogue.shards)
        for shard in sorted(shards):
            members = known[shard].keys
            at = np.minimum(np.searchsorted(members, keys), len(members) - 1)
            goes = keys[members[at] == keys]
            if len(goes):
                made = take_out(self._folder, shard, goes)
                del known[shard]
                if made:
                    known[made] = read_members(self._folder, made)
                self._known = _Catalogue(known)

    def _replace(self, rewrite: Rewrite) -> None:
        """Write shards, and then remove those in whose place they are, and the files of what is in them now."""
        known = self._catalogue.shards
        places = {
            name: _Place(shard, offset, size)
            for shard in rewrite.old
            for name, offset, size in zip(
                as_names(known[shard].keys), known[shard].offsets.tolist(), known[shard].sizes.tolist(), strict=True
            )
            if name not in rewrite.files
        }
        made = [write_shard(self._folder, prefix, self._bytes_of(names, places)) for prefix, names in rewrite.parts]
        for shard in set(rewrite.old) - set(made):
            remove_shard(self._folder, shard)
        left = {shard: members for shard, members in known.items() if shard not in rewrite.old}
        self._known = _Catalogue(left | {shard: read_members(self._folder, shard) for shard in made})
        self._unlink_all(rewrite.files, FORMAT)

    def _bytes_of(self, names: Sequence[str], places: Mapping[str, _Place]) -> Iterator[tuple[str, bytes]]:
        """Pictures, out of shards where these have them, or else of their files."""
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            of_shards = iter(self._read_together([places[name] for name in some if name in places]))
            for name in some:
                yield name, next(of_shards) if name in places else self._file(name)

    def _read_together(self, places: Sequence[_Place]) -> list[bytes]:
        """The bytes at some places, in their order; neighbours are read at once."""
        read: dict[_Place, bytes] = {}
        for span in _spans(sorted(set(places))):
            start, end = span[0].offset, span[-1].offset + span[-1].size
            content = memoryview(read_part(self._folder, span[0].shard, start, end - start))
            for place in span:
                read[place] = bytes(content[place.offset - start : place.offset - start + place.size])
        return [read[place] for place in places]

    def is_packed(self, sha256s: Sequence[str]) -> NDArray[np.bool_]:
        """(N,): which of some pictures are in shards."""
        return self._catalogue.have(as_keys(sha256s))

    def _packed(self, sha256: str) -> bytes | None:
        place = self._catalogue.find(sha256)
        return read_part(self._folder, *place) if place else None

    def _file(self, sha256: str, image_format: str = FORMAT) -> bytes:
        return super().get(sha256, image_format)

    @property
    def _catalogue(self) -> _Catalogue:
        if self._known is None:
            self._look_again()
        assert self._known is not None
        return self._known

    def _look_again(self) -> bool:
        """Read which shards there are; whether these are others than were known."""
        with self._turn:
            listed, known = list_shards(self._folder), self._known.shards if self._known else None
            if known is not None and listed == known.keys():
                return False
            self._known = _Catalogue(self._read_indexes(known or {}, listed))
            return True

    def _read_indexes(self, known: Mapping[str, Members], shards: Collection[str]) -> dict[str, Members]:
        found = {}
        for shard in sorted(shards):
            try:
                found[shard] = known[shard] if shard in known else read_members(self._folder, shard)
            except FileNotFoundError:
                continue  # written anew since it was listed: who misses something in it looks again
        return found

    def _found(self, read: Callable[[_Catalogue], T]) -> T:
        """What reading gives; where others move pictures meanwhile, as they lie then."""
        for left in reversed(range(_TRIES)):
            catalogue = self._catalogue
            try:
                return read(catalogue)
            except FileNotFoundError:
                # Another thread may have looked again already.
                if not left or (not self._look_again() and self._known is catalogue):
                    raise
        raise AssertionError


@lru_cache(8)
def _reopened(root: str, shards: str) -> ShardedStore:
    return ShardedStore(path_of(root), path_of(shards))


def _spans(places: Iterable[_Place]) -> Iterator[list[_Place]]:
    """Places in order, those together that are read at once."""
    span: list[_Place] = []
    for place in places:
        if span and (place.shard != span[0].shard or place.offset - span[-1].offset - span[-1].size > _GAP):
            yield span
            span = []
        span.append(place)
    if span:
        yield span
