"""Whether two pictures are one: by measures that are strict enough to decide.

In this order: the same pixels; 256 bits of pHash, and the colours; the pixels of both, laid on each other. Each verdict
depends on the two pictures alone and is the same in either order. What is proposed is not this module's business.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.alignment import Picture, other_colours, overlap, picture_of
from cic_assets.domain.duplicates.fingerprints import KEEP_SECONDS
from cic_assets.domain.duplicates.guesses import guesses
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.duplicates.verdicts import Verdict, Verdicts
from cic_assets.domain.duplicates.windows import ORIENTATIONS, Guess
from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, decode, hash_pixels, why_left_out
from cic_assets.engine import Threads

T = TypeVar("T")

BITS = 256

_HELD = {
    held: " turned" if held.turns else " mirrored" if held.is_mirrored else "" for held in ORIENTATIONS
}  # in the words of verdicts: one that is mirrored and turned is turned
_REST = 10
"""Times as long as keeping took the last time, until it is done again: a crowd of copies has millions of pairs."""
_ALIGNED_AT_ONCE = 32  # pairs, of whose meetings a glance takes all at once
_KEPT_PICTURES = 256  # read ahead of the next comparison, 200 kB each


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
        """
        self._settings = settings
        self._looks = looks
        self._is_flat = is_flat
        self._sha256s = pictures["sha256"].tolist()
        self._pixels = pd.factorize(pictures["pixels_sha256"])[0]
        self._load = load
        self._on_left_out = on_left_out
        self._picture = lru_cache(_KEPT_PICTURES)(lambda picture: self._read(picture, self._as_picture))
        self._digest = lru_cache(None)(lambda picture: self._read(picture, _digest_of))
        self._verdicts: dict[tuple[int, int], Verdict | None] = {}
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

    def compare_ahead(self, pairs: Iterable[tuple[int, int]], *, workers: int | None = None) -> None:
        """Compare the pixels of pairs that `compare` may be asked for, several at a time: it then knows the verdicts.

        Args:
            pairs: positions.
            workers: threads; as many as there are processors unless told. OpenCV leaves Python's lock.
        """
        ordered = (self._in_order(*pair) for pair in pairs)
        hard = [pair for pair in ordered if pair not in self._verdicts and self._by_numbers(*pair) is None]
        known = self._kept.known(hard)
        self._verdicts.update(known)
        new = [pair for pair in hard if pair not in known]
        blocks = [new[start : start + _ALIGNED_AT_ONCE] for start in range(0, len(new), _ALIGNED_AT_ONCE)]
        verdicts = chain.from_iterable(Threads(workers).map(self._by_alignment, blocks))
        for pair, verdict in zip(new, verdicts, strict=True):
            self._verdicts[pair] = verdict
            self._add(*pair, verdict)

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
        (verdict,) = self._by_alignment([(one, other)])
        self._add(one, other, verdict)
        return verdict

    def _add(self, one: int, other: int, verdict: Verdict | None) -> None:
        """Keep a verdict, but not on what could not be read, or was set aside unread."""
        if not self._is_set_aside(one, other) and self._unread.isdisjoint((one, other)):
            self._kept.add(one, other, verdict)
            self.keep()

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

    def _by_alignment(self, pairs: Sequence[tuple[int, int]]) -> list[Verdict | None]:
        open_ = [pair for pair in pairs if not self._is_set_aside(*pair)]
        guessed = guesses(self._looks, np.array(open_, np.int64).reshape(-1, 2), self._settings.radius)
        found = {pair: self._by_guesses(*pair, some) for pair, some in zip(open_, guessed, strict=True)}
        return [found.get(pair) for pair in pairs]

    def _by_guesses(self, one: int, other: int, guessed: Iterable[Guess]) -> Verdict | None:
        for guess in guessed:
            ours, theirs = self._picture(one), self._picture(other)
            found = overlap(ours, theirs, guess) if ours and theirs else None
            if found and found.correlation >= self._settings.correlation and found.same_colours:
                return Verdict(f"alignment{_HELD[guess.orientation]}", 1 - found.correlation)
        return None

    def _as_picture(self, data: bytes, picture: int) -> Picture:
        return picture_of(data, self._looks.content_box(picture))

    def _read(self, picture: int, use: Callable[[bytes, int], T]) -> T | None:
        try:
            return use(self._load(self._sha256s[picture]), picture)
        except CANNOT_BE_READ as error:
            self._unread.add(picture)
            self._on_left_out(self._sha256s[picture], why_left_out(error))
            return None


def _digest_of(data: bytes, _picture: int) -> str:
    return hash_pixels(decode(data))


def _bits_apart(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(one ^ other).sum())
