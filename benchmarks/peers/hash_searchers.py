"""One search of one set of hashes, measured: `hash_searchers.py SEARCHER HASHES.npy RADIUS QUERIES PAIRS.npy`.

Prints a line of JSON with wall and processor seconds, peak memory and the number of pairs; of a searcher that is given
fewer queries than there are hashes, the times are of those.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Search = Callable[[np.ndarray, int, int], np.ndarray]


def faiss_flat() -> Search:
    """faiss, everything with everything."""
    import faiss

    return lambda hashes, radius, queries: _faiss_pairs(faiss.IndexBinaryFlat(64), hashes, radius, queries)


def faiss_multihash() -> Search:
    """faiss, three tables of 21 bits, each looked up with all that differ in up to a third of the radius: exact."""
    import faiss

    def search(hashes: np.ndarray, radius: int, queries: int) -> np.ndarray:
        index = faiss.IndexBinaryMultiHash(64, 3, 21)
        index.nflip = radius // 3
        return _faiss_pairs(index, hashes, radius, queries)

    return search


def _faiss_pairs(index: Any, hashes: np.ndarray, radius: int, queries: int) -> np.ndarray:
    rows = hashes.view(np.uint8).reshape(-1, 8)
    index.add(rows)
    limits, _, found = index.range_search(rows[:queries], radius + 1)  # it reports what is nearer than its radius
    asked = np.repeat(np.arange(queries), np.diff(limits).astype(np.int64))
    return np.stack([asked, found])[:, asked < found]


def ours() -> Search:
    """cic_assets."""
    from cic_assets.domain.duplicates import pairs_within

    def search(hashes: np.ndarray, radius: int, _queries: int) -> np.ndarray:
        pairs = pairs_within(hashes, radius)
        return np.stack([pairs.left, pairs.right])

    return search


def product() -> Search:
    """cic_assets as its search for duplicates asks, from thumbnails; see `asked_and_known`."""
    from cic_assets.domain.duplicates import pairs_between

    def search(thumbnails: np.ndarray, radius: int, _queries: int) -> np.ndarray:
        pairs = pairs_between(*asked_and_known(thumbnails), radius)
        return np.stack([pairs.left, pairs.right])

    return search


def asked_and_known(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hashes by which pictures are looked for, and those of all their windows, each value once, ascending.

    Two and 41 a picture, and as many again for one in 32, which, as of photos, has a border around its content.

    Args:
        thumbnails: (n, 32, 32), bytes.
    """
    from cic_assets.domain.duplicates.crops import oriented_hashes, window_hashes
    from cic_assets.domain.duplicates.windows import UPRIGHT

    all_of = np.concatenate([thumbnails, np.roll(thumbnails[::32], 1, axis=0)])
    return np.unique(oriented_hashes(all_of)[:, :UPRIGHT]), np.unique(window_hashes(all_of))


SEARCHERS: dict[str, Callable[[], Search]] = {
    "faiss_flat": faiss_flat,
    "faiss_multihash": faiss_multihash,
    "ours": ours,
    "product": product,
}


def main() -> None:
    """Search, measure, write the pairs."""
    name, source, radius, queries, target = sys.argv[1:]
    hashes = np.load(source)
    search = SEARCHERS[name]()  # imports are not counted
    start, processor = time.perf_counter(), time.process_time()
    pairs = search(hashes, int(radius), int(queries))
    measured = {
        "wall": time.perf_counter() - start,
        "processor": time.process_time() - processor,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "pairs": pairs.shape[1],
    }
    np.save(target, pairs)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
