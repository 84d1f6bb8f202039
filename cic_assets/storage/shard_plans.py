"""Which shards are to be written in place of which, so that each part of a group's pictures has one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.storage.shards import Keys, Members, as_keys, as_names, divide

_GROWTH = 16
"""A shard is written anew once a sixteenth of its pictures are files of their own."""


class Rewrite(NamedTuple):
    """Shards that are written in place of others.

    Attributes:
        parts: prefix of the name of each new one, and the pictures in it in their order.
        old: the others, which have all of these pictures that are no files of their own.
        files: pictures that are.
    """

    parts: Sequence[tuple[str, Sequence[str]]]
    old: Sequence[str]
    files: frozenset[str] = frozenset()


def plan_rewrites(
    group: str, own: Mapping[str, Members], new: Mapping[str, int], most_bytes: int, again: Keys
) -> Iterator[Rewrite]:
    """Which shards of a group are to be written in place of which, so that each part of its pictures has one.

    Args:
        group: what names of its shards begin with.
        own: its shards.
        new: bytes of pictures that are files of their own.
        most_bytes: of a tar.
        again: those of them which are in `own`, too.
    """
    # Every picture as a file, and as part of a shard: (E,) each, the files first.
    entries = np.concatenate([as_keys(new), *(one.keys for one in own.values())])
    sizes = np.concatenate([np.fromiter(new.values(), np.int64, len(new)), *(one.sizes for one in own.values())])
    shards = np.concatenate(
        [np.full(len(new), -1), np.repeat(np.arange(len(own)), [len(one.keys) for one in own.values()])]
    )
    keys, first = np.unique(entries, return_index=True)
    parts = list(divide(keys, sizes[first], most_bytes))
    counts = np.array([place.stop - place.start for _, place in parts], np.int64)
    part = np.repeat(np.arange(len(parts)), counts)[np.searchsorted(keys, entries)]
    is_file = shards < 0
    pairs = np.unique(np.stack([part[~is_file], shards[~is_file]]), axis=1)
    files = np.bincount(part[is_file], minlength=len(parts))
    is_due = (files > 0) & (_GROWTH * files >= counts)
    is_due |= np.bincount(pairs[0], minlength=len(parts)) > 1  # of two shards that one has room for; or killed between
    is_due[part[np.isin(entries, again)]] = True
    names = list(own)
    for together, old in _together(is_due, pairs):
        yield Rewrite(
            [(f"{group}{parts[at][0] or 'all'}", as_names(keys[parts[at][1]])) for at in together],
            [names[at] for at in old],
            frozenset(as_names(entries[is_file & np.isin(part, together)])),
        )


def _together(is_due: NDArray[np.bool_], pairs: NDArray[np.int64]) -> Iterator[tuple[list[int], list[int]]]:
    """Parts that are written and shards that go, as far as these have pictures in common.

    Args:
        is_due: of each part.
        pairs: (2, P), parts and shards with pictures in common.
    """
    left = set(np.flatnonzero(is_due).tolist())
    while left:
        parts, old, count = {left.pop()}, set[int](), 0
        while count != len(parts) + len(old):
            count = len(parts) + len(old)
            old |= set(pairs[1][np.isin(pairs[0], list(parts))].tolist())
            parts |= set(pairs[0][np.isin(pairs[1], list(old))].tolist())
        left -= parts
        yield sorted(parts), sorted(old)
