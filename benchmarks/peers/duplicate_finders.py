"""One finder of duplicates over a folder of pictures, measured: `duplicate_finders.py FINDER FOLDER RESULT.json`.

Writes wall and processor seconds (children's too) and the finder's groups or pairs as lists of file names. The clock
starts after the imports and stops when it is known what goes together.
"""

import hashlib
import importlib
import itertools
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

Alike = list[list[str]]
Finder = Callable[[Path], Alike]


def difpy(**options: Any) -> Finder:
    """DifPy 4, "similar": a mean squared error of 5 between 50 x 50 pixels, in four rotations."""
    import difPy

    def find(folder: Path) -> Alike:
        built = difPy.build(str(folder), show_progress=False)
        found = difPy.search(built, similarity="similar", show_progress=False, **options)
        return [[Path(one).name, Path(other).name] for one, others in found.result.items() for other, *_ in others]

    return find


def imagededup(method: str) -> Finder:
    """imagededup, a hash of 64 bits within its default of 10; without its networks, which alone need torch."""
    for name, needed in (("methods.cnn", "CNN"), ("utils.models", "CustomModel")):
        module = ModuleType(f"imagededup.{name}")
        setattr(module, needed, None)
        sys.modules[module.__name__] = module
    hasher = getattr(importlib.import_module("imagededup.methods"), method)

    def find(folder: Path) -> Alike:
        found = hasher(verbose=False).find_duplicates(image_dir=str(folder))
        return [[one, other] for one, others in found.items() for other in others if one < other]

    return find


def cleanvision() -> Finder:
    """cleanvision: equal bytes, and equal pHashes."""
    from cleanvision import Imagelab

    def find(folder: Path) -> Alike:
        lab = Imagelab(data_path=str(folder), verbose=False)
        lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
        sets = itertools.chain(*(lab.info[kind]["sets"] for kind in ("exact_duplicates", "near_duplicates")))
        return [[Path(name).name for name in names] for names in sets]

    return find


def imagehash(method: str, radius: int = 10) -> Finder:
    """imagehash, a hash of 64 bits, every pair compared."""
    import imagehash
    from PIL import Image

    def find(folder: Path) -> Alike:
        hashes = {}
        for path in sorted(folder.iterdir()):
            with Image.open(path) as image:
                hashes[path.name] = getattr(imagehash, method)(image)
        pairs = itertools.combinations(hashes, 2)
        return [[one, other] for one, other in pairs if hashes[one] - hashes[other] <= radius]

    return find


def ours() -> Finder:
    """cic_assets: from the files to the table of duplicates."""
    import pandas as pd

    from cic_assets.domain.duplicates import DuplicateSettings, find_duplicates, fingerprint_pictures
    from cic_assets.domain.images import read_header
    from cic_assets.domain.overrides import Overrides

    class Store:
        """The folder, as the graph's store is asked."""

        def __init__(self) -> None:
            self.paths: dict[str, Path] = {}

        def get(self, sha256: str, _image_format: str = "") -> bytes:
            return self.paths[sha256].read_bytes()

    def find(folder: Path) -> Alike:
        store, rows = Store(), []
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            header, sha256 = read_header(data), hashlib.sha256(data).hexdigest()
            store.paths[sha256] = path
            size = {"width": header.width, "height": header.height, "bytes": len(data), "format": header.format}
            post = dict.fromkeys(("subreddit", "permalink", "title", "author"), "") | {"created_utc": 0.0}
            rows.append({"sha256": sha256, "post_id": path.name, "outcome": "ok", **post, **size})
        raw = pd.DataFrame(rows)
        images = fingerprint_pictures(raw, store).assign(klass="")
        groups = find_duplicates(images, store.get, DuplicateSettings(), Overrides()).groups
        joined = raw.merge(groups[["sha256", "group_id"]], on="sha256", how="left")
        by_group = joined.groupby(joined["group_id"].fillna(joined["sha256"]))["post_id"]
        return [list(names) for _, names in by_group if len(names) > 1]

    return find


FINDERS: dict[str, Callable[[], Finder]] = {
    "difpy": difpy,
    "difpy_any_size": lambda: difpy(same_dim=False),
    "imagededup_phash": lambda: imagededup("PHash"),
    "imagededup_dhash": lambda: imagededup("DHash"),
    "cleanvision": cleanvision,
    "imagehash_phash": lambda: imagehash("phash"),
    "imagehash_dhash": lambda: imagehash("dhash"),
    "ours": ours,
}


def _processor_seconds() -> float:
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main() -> None:
    """Find, measure, write."""
    name, folder, target = sys.argv[1:]
    find = FINDERS[name]()
    start, processor = time.perf_counter(), _processor_seconds()
    alike = find(Path(folder))
    measured = {"wall": time.perf_counter() - start, "processor": _processor_seconds() - processor, "alike": alike}
    Path(target).write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
