"""Whether two pictures are one: by measures that are strict enough to decide.

In this order: the same pixels; 256 bits of pHash, and the colours; the pixels of both, laid on each other. Each verdict
depends on the two pictures alone and is the same in either order. What is proposed is not this module's business.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.alignment import other_colours
from cic_assets.domain.duplicates.by_pixels import Block, ByPixels, Compared
from cic_assets.domain.duplicates.fingerprints import KEEP_SECONDS
from cic_assets.domain.duplicates.groups import Pair
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.duplicates.verdicts import Verdict, Verdicts
from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, decode, hash_pixels, why_left_out
from cic_assets.engine import Engine, Threads

BITS = 256

SHARD = 4
"""Blocks that a worker elsewhere gets together: a second's work."""

BLOCK = 32
"""Pairs that are compared at once: some dozens take a third of the time to find how they may lie."""

_HERE = Threads()

_REST = 10
"""Times as long as keeping took the last time, until it is done again: a crowd of copies has millions of pairs."""


class Verifier:
    """Compares pictures of a table by position."""

    def __init__(
        self,
        pictures: pd.DataFrame,
        looks: Looks,
        is_flat: NDArray[np.bool_],
        load: Callable[[str], bytes],
        settings: DuplicateSettings,
        on_left_out: OnLeftOut = lambda _sha256, _why: None,
        before: Sequence[pd.DataFrame] = (),
        keep: Callable[[pd.DataFrame], None] = lambda _table: None,
        engine: Engine = _HERE,
    ) -> None:
        """Take what is known of some pictures.

        Args:
            pictures: with the columns `sha256` and `pixels_sha256`.
            looks: of them.
            is_flat: which are set aside.
            load: gives bytes by SHA-256.
            settings: how alike is the same.
            on_left_out: called for a picture that cannot be read: its pixels say of no other that it is the same.
            before: tables of verdicts of earlier runs.
            keep: takes the table of verdicts as far as it is, every `KEEP_SECONDS`, less often where that is slow.
            engine: where pixels are compared ahead; OpenCV leaves Python's lock, so that threads will do.
        """
        self._settings = settings
        self._looks = looks
        self._is_flat = is_flat
        # Not as a list of objects, which are there once more.
        self._sha256s = pictures["sha256"].array
        self._pixels = pd.factorize(pictures["pixels_sha256"])[0]
        self._load = load
        self._on_left_out = on_left_out
        self._engine, self._by_pixels = engine, ByPixels(load, settings)
        self._digest = lru_cache(None)(self._digest_of)
        self._verdicts: dict[Pair, Verdict | None] = {}
        self._kept = Verdicts(self._sha256s, settings, before)
        self._keep, self._kept_at, self._keep_took = keep, time.monotonic(), 0.0
        self._unread: set[int] = set()

    @property
    def kept(self) -> Verdicts:
        """What was found out, now or in an earlier run."""
        return self._kept

    def keep(self) -> None:
        """Keep what there is, if that was long ago."""
        if (began := time.monotonic()) - self._kept_at > max(KEEP_SECONDS, _REST * self._keep_took):
            self._keep(self._kept.table())
            self._kept_at = time.monotonic()
            self._keep_took = self._kept_at - began

    def compare_ahead(self, pairs: Iterable[Pair]) -> None:
        """Compare the pixels of pairs that `compare` may be asked for, by the engine: it then knows the verdicts.

        Args:
            pairs: positions.
        """
        ordered = (self._in_order(*pair) for pair in pairs)
        hard = [pair for pair in ordered if pair not in self._verdicts and self._by_numbers(*pair) is None]
        known = self._kept.known(hard)
        self._verdicts.update(known)
        new = [pair for pair in hard if pair not in known]
        self._verdicts.update((pair, None) for pair in new if self._is_set_aside(*pair))
        left = [pair for pair in new if not self._is_set_aside(*pair)]
        self._compare_by_engine(left[start : start + BLOCK] for start in range(0, len(left), BLOCK))

    def _compare_by_engine(self, several: Iterable[Sequence[Pair]]) -> None:
        lost: list[Pair] = []
        results: Iterator[tuple[Block, Compared | str]] = self._engine.each(
            self._by_pixels, map(self._block, several), shard=SHARD, instead=lambda _block, why: why
        )
        for block, compared in results:
            pairs = block.pairs_of_set()
            if not isinstance(compared, str):
                self._verdicts.update(self._taken(pairs, compared))
            elif len(pairs) > 1:
                lost += pairs
            else:  # which of the two it was, nobody knows
                told = Compared([None], dict.fromkeys(pairs[0], compared))
                self._verdicts.update(self._taken(pairs, told))
        if lost:  # one of them kills who compares it
            self._compare_by_engine([pair] for pair in lost)

    def compare(self, picture: int, others: NDArray[np.int64]) -> Iterator[Verdict | None]:
        """For each of `others` the verdict, or None if it is another picture.

        What was compared ahead is forgotten with the answer: hardly a pair is asked for twice, and there may be many
        millions.
        """
        for other in others.tolist():
            pair = self._in_order(picture, other)
            yield self._verdicts.pop(pair) if pair in self._verdicts else self._verdict(*pair)

    def _in_order(self, one: int, other: int) -> tuple[int, int]:
        """Always the same, so that rounding cannot make a difference."""
        return (one, other) if self._sha256s[one] < self._sha256s[other] else (other, one)

    def _verdict(self, one: int, other: int) -> Verdict | None:
        if verdict := self._by_numbers(one, other):
            return verdict
        known = self._kept.known([(one, other)])
        if (one, other) in known:
            return known[one, other]
        if self._is_set_aside(one, other):
            return None
        pairs = [(one, other)]
        return self._taken(pairs, self._by_pixels(self._block(pairs)))[one, other]

    def _block(self, pairs: Sequence[Pair]) -> Block:
        return Block.of(pairs, self._sha256s, self._looks)

    def _taken(self, pairs: Sequence[Pair], compared: Compared) -> dict[Pair, Verdict | None]:
        """Verdicts by pair. They are kept, but for those on what could not be read."""
        for picture, why in compared.unread.items():
            self._leave_out(picture, why)
        found = dict(zip(pairs, compared.verdicts, strict=True))
        for pair, verdict in found.items():
            if self._unread.isdisjoint(pair):
                self._kept.add(*pair, verdict)
                self.keep()
        return found

    def _by_numbers(self, one: int, other: int) -> Verdict | None:
        """By what is known of both; at their pixels only where those of a smaller decode are the same."""
        if self._pixels[one] == self._pixels[other] and self._are_same_in_full(one, other):
            return Verdict("pixels", 0.0)
        return None if self._is_set_aside(one, other) else self._by_hash(one, other)

    def _are_same_in_full(self, one: int, other: int) -> bool:
        digest = self._digest(one)
        return digest is not None and digest == self._digest(other)

    def _is_set_aside(self, one: int, other: int) -> bool:
        return bool(self._is_flat[one] or self._is_flat[other])

    def _by_hash(self, one: int, other: int) -> Verdict | None:
        both = np.array([one, other])
        ours, theirs = self._looks.long(both)
        straight = _bits_apart(ours[0], theirs[0])
        mirrored = min(_bits_apart(ours[1], theirs[0]), _bits_apart(ours[0], theirs[1]))
        if min(straight, mirrored) > self._settings.phash256_distance:
            return None
        is_mirrored = mirrored < straight
        colours, others = self._looks.colours(both)
        if other_colours((colours[:, ::-1] if is_mirrored else colours).reshape(-1, 2), others.reshape(-1, 2)):
            return None
        return Verdict("phash256 mirrored" if is_mirrored else "phash256", min(straight, mirrored) / BITS)

    def _digest_of(self, picture: int) -> str | None:
        try:
            return hash_pixels(decode(self._load(self._sha256s[picture])))
        except CANNOT_BE_READ as error:
            self._leave_out(picture, why_left_out(error))
            return None

    def _leave_out(self, picture: int, why: str) -> None:
        self._unread.add(picture)
        self._on_left_out(self._sha256s[picture], why)


def _bits_apart(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(one ^ other).sum())
