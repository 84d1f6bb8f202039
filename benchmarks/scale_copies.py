"""The whole search for copies as a set grows: from nothing, and of a tenth that is new against what was searched.

    python benchmarks/scale_copies.py PHOTOS … [--largest 1000000] [--output benchmarks/results/scale_copies.md]

Each of PHOTOS has pictures, at any depth. Of each set these are part, and changed copies of them (cut, mirrored,
turned, framed, captioned, compressed; at most a tenth of the set). The rest are synthetic: thumbnails whose coarse part
is in part a photo's, as a negative, which is like no photo, and for the rest a normal mix of all of them. Their fine
part is such a mix, of some of them in part that photo's too. So their hashes come near each other as often as those of
different photos do, and what is fine agrees as often. Where the pixels of a synthetic one are asked for, those of some
photo are given: it costs the same. Two that are given one photo, or a copy of it, are right to be joined, and are
counted apart from strangers that are.

Each size runs in a process of its own, so that its peak memory is its own. Processor time is of all threads.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import pandas as pd
from glance import changed
from numpy.typing import NDArray
from peers.environment import machine

from cic_assets.domain.components import Components
from cic_assets.domain.duplicates import (
    Duplicates,
    DuplicateSettings,
    Looks,
    candidates,
    copy_pairs,
    count_compared,
    find_duplicates,
    gather,
    without_pictures,
)
from cic_assets.domain.duplicates.descriptors import SIDE, descriptors_of
from cic_assets.domain.duplicates.verify import Verifier
from cic_assets.domain.images import CANNOT_BE_READ, decode, examine
from cic_assets.domain.overrides import Overrides
from cic_assets.storage import sha256_hex

HERE = Path(__file__).resolve().parent
SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
COARSE_MIXED = 0.47
"""How much of what is coarse in a synthetic thumbnail is of all photos, as a share of its deviation: 8 in a million
pairs of photos meet by the hashes of their windows, and so do 8 of these."""
FINE_MIXED = 0.85
"""The same of what is fine, in some of them; in the others all of it."""
FINE_SHARED = 0.3
"""How many are such. Of 348 pairs of photos and copies of others that meet 17 % correlate by 0.25 where a glance sees
what is fine, and of 4,000 that meet within 10 bits 0.5 % are alike; of these 21 % and 0.9 %."""
BORDERED = 10
"""One synthetic picture in so many has a border, as of the photos."""
SAY_SECONDS = 20.0
_AT_ONCE = 8192


class Pictures:
    """A set of one size: its tables, a part at a time, and the bytes of its pictures."""

    def __init__(self, folders: list[Path], count: int) -> None:
        """Real ones and their copies are read, or made, at once; the others when they are asked for.

        The copies of a photo are the same in sets of every size, so that what is found of them can be compared.
        """
        self._random = np.random.default_rng(count)
        self.count = count
        self.bytes_of: dict[str, bytes] = {}
        self.photo_of: dict[str, int] = {}
        rows = []
        for number, data in enumerate(_photos(folders)[: count // 2]):
            rows.append(self._real(data, number))
        for number in np.random.default_rng(0).permutation(len(rows))[: count // 10].tolist():
            how = np.random.default_rng(number)
            rows.append(self._real(changed(decode(self.bytes_of[rows[number]["sha256"]]), how), number))
        self.real = pd.DataFrame(rows).drop_duplicates("sha256", ignore_index=True)
        photos = np.frombuffer(b"".join(self.real["thumbnail"]), np.uint8).reshape(-1, SIDE**2).astype(np.float32)
        self._middle = photos.mean(axis=0)
        self._photos = photos - self._middle
        # Normal numbers times this are spread as a normal mix of all photos is.
        values, vectors = np.linalg.eigh(self._photos.T @ self._photos / len(photos))
        self._mixing = (np.sqrt(np.maximum(values, 0)) * vectors).T.astype(np.float32)
        self._coarse_mixing, self._coarse_photos = _coarse(self._mixing), _coarse(self._photos)

    def tables(self) -> Iterator[pd.DataFrame]:
        """As the graph has them."""
        yield _as_graph(self.real)
        for start in range(len(self.real), self.count, _AT_ONCE):
            yield _as_graph(self._synthetic(min(_AT_ONCE, self.count - start)))

    def load(self, sha256: str) -> bytes:
        """Of a synthetic one some photo's."""
        return self.bytes_of[self._given(sha256)]

    def are_strangers(self, one: str, other: str) -> bool:
        """Whether two are given the pixels of two photos."""
        return self.photo_of[self._given(one)] != self.photo_of[self._given(other)]

    def _given(self, sha256: str) -> str:
        names = self.real["sha256"]
        return sha256 if sha256 in self.bytes_of else names[int(sha256[:8], 16) % len(names)]

    def _real(self, data: bytes, photo: int) -> dict[str, Any]:
        found, sha256 = examine(data), sha256_hex(data)
        self.bytes_of[sha256] = data
        self.photo_of.setdefault(sha256, photo)
        looks = {**found.fingerprint.row(), **asdict(descriptors_of(found.pixels, found.preview))}
        return {"sha256": sha256, "bytes": len(data), **looks}

    def _synthetic(self, count: int) -> pd.DataFrame:
        whole, others = self._thumbnails(count), self._thumbnails(count // BORDERED + 1)
        content = whole.copy()
        content[::BORDERED] = others[: len(content[::BORDERED])]
        like = self.real.iloc[self._random.integers(0, len(self.real), count)]
        long = [self._random.bytes(64) for _ in range(count)]
        hashes = self._random.integers(0, 2**63, (count, 2)).astype(np.uint64)
        return like.assign(
            sha256=[self._random.bytes(32).hex() for _ in range(count)],
            phash=hashes[:, 0], phash_mirrored=hashes[:, 1],
            phash256=[both[:32] for both in long], phash256_mirrored=[both[32:] for both in long],
            pixels_sha256=[both.hex() for both in long],
            thumbnail=[one.tobytes() for one in whole], content_thumbnail=[one.tobytes() for one in content],
            flatness=0.1, content_left=0.0, content_top=0.0, content_right=1.0, content_bottom=1.0,
        )  # fmt: skip

    def _thumbnails(self, count: int) -> NDArray[np.uint8]:
        normal = self._random.standard_normal((count, SIDE**2), np.float32)
        coarse, whole = normal @ self._coarse_mixing, normal @ self._mixing
        one = self._random.integers(0, len(self._photos), count)
        of_photo = self._coarse_photos[one], self._photos[one] - self._coarse_photos[one]
        is_shared = self._random.random((count, 1)) < FINE_SHARED
        mixed = np.broadcast_to(self._middle, whole.shape).copy()
        shares = COARSE_MIXED, np.where(is_shared, FINE_MIXED, 1).astype(np.float32)
        for part, own, share in zip((coarse, whole - coarse), of_photo, shares, strict=True):
            mixed += share * part - np.sqrt(1 - share**2) * own
        ranks = np.empty(mixed.shape, np.float32)
        spread = np.linspace(0, 255, SIDE**2, dtype=np.float32)
        np.put_along_axis(ranks, np.argsort(mixed, axis=1), np.broadcast_to(spread, mixed.shape), axis=1)
        return ranks.astype(np.uint8).reshape(-1, SIDE, SIDE)


def _coarse(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is coarse in thumbnails, (n, pixels)."""
    squares = planes.reshape(-1, SIDE, SIDE)
    return np.stack([cv2.GaussianBlur(square, (0, 0), 1.5) for square in squares]).reshape(planes.shape)


def _photos(folders: list[Path]) -> list[bytes]:
    """Each different one that can be read."""
    found: dict[str, bytes] = {}
    for file in (file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()):
        data = file.read_bytes()
        try:
            examine(data)
        except CANNOT_BE_READ:
            continue
        found[sha256_hex(data)] = data
    return list(found.values())


def _as_graph(table: pd.DataFrame) -> pd.DataFrame:
    own = {"subreddit": "all", "klass": "car", "created_utc": 0.0, "post_id": table["sha256"].str[:10]}
    return table.drop(columns=["photo"], errors="ignore").assign(**own)


class Clock:
    """Processor seconds and counts of the steps of a search."""

    def __init__(self) -> None:
        """None of any."""
        self.seconds: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self._said = time.monotonic()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Searches meanwhile are measured."""
        meetings, correlations, ahead = candidates.meetings, candidates.correlations, Verifier.compare_ahead

        def met(*given: Any) -> Iterator[Any]:
            several = meetings(*given)
            while (some := self._timed("meetings", lambda: next(several, None))) is not None:
                self.counts["meetings"] += len(some)
                self._say_now_and_then()
                yield some

        def glanced(*given: Any) -> Any:
            self.counts["glances"] += len(given[1])
            return self._timed("glances", lambda: correlations(*given))

        def compared(*given: Any) -> Any:
            return self._timed("comparisons", lambda: ahead(*given))

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(candidates, "meetings", met))
            stack.enter_context(mock.patch.object(candidates, "correlations", glanced))
            stack.enter_context(mock.patch.object(Verifier, "compare_ahead", compared))
            yield

    def _say_now_and_then(self) -> None:
        if time.monotonic() - self._said > SAY_SECONDS:
            self._said = time.monotonic()
            _say(f"{dict(self.counts)}, {dict(self.seconds)}, at most {_peak() / 1e6:,.0f} MB so far")

    def _timed(self, step: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        try:
            return work()
        finally:
            self.seconds[step] += time.process_time() - began


def measure(folders: list[Path], count: int) -> dict[str, Any]:
    """Both searches of one size."""
    pictures = Pictures(folders, count)
    images, looks = gather(pictures.tables())
    _say(f"{len(images):,} pictures are there")
    whole, clock, seconds, wall = _search(pictures, images, looks, [])
    peak = _peak()
    _say(f"searched, {dict(clock.seconds)} of {seconds:.1f} s, {peak / 1e6:,.0f} MB")
    new = images["sha256"].sample(frac=0.1, random_state=1)
    before = without_pictures(whole.verdicts, new)
    before.attrs = whole.verdicts.attrs
    again, _, of_new, _ = _search(pictures, images, looks, [before])
    pd.testing.assert_frame_equal(whole.groups, again.groups)
    joined = Components(copy_pairs(whole.groups, whole.bridges))
    real = pictures.real["sha256"].tolist()
    first = {pictures.photo_of[name]: name for name in reversed(real)}
    copies = [name for name in real if first[pictures.photo_of[name]] != name]
    found = sum(joined.are_joined(name, first[pictures.photo_of[name]]) for name in copies)
    of_synthetic = [pair for pair in copy_pairs(whole.groups, whole.bridges) if not set(pair) <= set(real)]
    are_strangers = [pictures.are_strangers(*pair) for pair in of_synthetic if pair[0] != pair[1]]
    return {
        "pictures": count,
        "copies": len(copies),
        "copies found": found,
        "strangers joined": are_strangers.count(True),
        "synthetic ones given one photo joined": are_strangers.count(False),
        "meetings": clock.counts["meetings"],
        "glances": clock.counts["glances"],
        "likely pairs": int((whole.verdicts["verified_by"] < 5).sum()),
        "compared": count_compared(whole.verdicts),
        "seconds": {**clock.seconds, "rest": seconds - sum(clock.seconds.values()), "all": seconds},
        "wall": wall,
        "new": of_new,
        "peak": peak,
    }


def _peak() -> int:
    """Bytes of memory that this process took at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _say(what: str) -> None:
    print(f"{time.process_time():,.1f} s: {what}", file=sys.stderr, flush=True)


def _search(
    pictures: Pictures, images: pd.DataFrame, looks: Looks, before: list[pd.DataFrame]
) -> tuple[Duplicates, Clock, float, float]:
    clock = Clock()
    began, at = time.process_time(), time.perf_counter()
    with clock.watching():
        found = find_duplicates(images, pictures.load, DuplicateSettings(), Overrides(), before, looks=looks)
    return found, clock, time.process_time() - began, time.perf_counter() - at


def row(found: dict[str, Any]) -> str:
    """Of the table."""
    steps = " | ".join(
        f"{found['seconds'].get(step, 0):,.1f}" for step in ("meetings", "glances", "comparisons", "rest")
    )
    cells = (
        f"{found['pictures']:,}", f"{found['meetings']:,}", f"{found['glances']:,}", f"{found['likely pairs']:,}",
        f"{found['compared']:,}", steps, f"{found['seconds']['all']:,.1f}", f"{found['wall']:,.0f}",
        f"{found['new']:,.1f}", f"{found['peak'] / 1e6:,.0f}", f"{found['copies found']} of {found['copies']}",
        str(found["strangers joined"]), str(found["synthetic ones given one photo joined"]),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEAD = """\
# The search for copies as a set grows

`python benchmarks/scale_copies.py PHOTOS …`, {date}; {machine}

| pictures | meetings | glances | likely pairs | compared by pixels | meetings s | glances s | comparisons s | rest s | all s | wall s | a tenth new s | peak MB | copies found | strangers joined | of one photo joined |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""  # noqa: E501 - a table


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--size", type=int, help="this one alone, as a line of JSON")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "scale_copies.md")
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measure(options.photos, options.size)))
        return
    rows = []
    for size in (size for size in SIZES if size <= options.largest):
        command = [sys.executable, __file__, *map(str, options.photos), "--size", str(size)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(row(json.loads(answer.stdout.splitlines()[-1])))
        print(rows[-1], flush=True)
        text = HEAD.format(date=time.strftime("%Y-%m-%d"), machine=machine()) + "\n".join(rows) + "\n"
        options.output.write_text(text)


if __name__ == "__main__":
    main()
