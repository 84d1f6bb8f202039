"""What the graph costs besides looking at pictures, by the number of rows: seconds and peak memory of each step.

    python benchmarks/scale_tables.py [--sizes 1000 10000 100000 1000000] [--output benchmarks/results/scale_tables.md]

The rows are made up with the statistics of recorded subreddits (`made_up.py`), over ten sources. Each step runs the
assets themselves, all sources one after another, in a process of its own. What is left out is the work on pictures:
those listed are downloaded from nowhere, all but these have their fingerprints and resized copies already (the files
are empty), which pictures may be copies is drawn and no pixels are compared, no array is filled, and there are no
features. `duplicates` also does without the 1.4 kB a picture of what it looks like: the search has a benchmark of its
own.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from made_up import LISTED, listed, write_root
from numpy.typing import NDArray
from peers.environment import machine

from cic_assets.config.problem import Problem
from cic_assets.config.problem_file import load_problem
from cic_assets.domain.duplicates.candidates import Likely
from cic_assets.storage import DataRoot

HERE = Path(__file__).resolve().parent
SOURCES = 10
COPIED = 0.05
"""The share of pictures that the stand-in for the search proposes with another."""
TAKEN_DOWN = 100
GRAPH = (
    "raw_images", "image_hashes", "duplicates", "deduped_images", "resized_images", "image_features",
    "training_dataset",
)  # fmt: skip
"""The assets between a scrape and a data set."""
MOST_SECONDS, MOST_MEGABYTES, MOST_TAKEDOWN_SECONDS = 120, 2000, 10
"""That we aim at for a million rows."""


def problem_of(folder: Path, limits: Mapping[str, int]) -> Problem:
    """A question over ten subreddits."""
    text = json.dumps(
        {
            "name": "many",
            "classes": {klass: [f"r/{klass}s{number}" for number in range(SOURCES // 2)] for klass in ("car", "tank")},
            "features": {"enabled": False},
            "download": {"limits": dict(limits)},
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "problem.yaml"
    path.write_text(text)
    return load_problem(path)


class Listings:
    """In place of Reddit and all hosts: shows what a source had, and some that is new."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root

    def replays_sample(self, _source: object) -> bool:
        """It does not."""
        return False

    @contextmanager
    def connect(self, *_of_what: object) -> Iterator[Any]:
        """As `RedditResource.connect`."""
        from cic_assets.domain.download import Network
        from cic_assets.domain.sources import Connection

        yield Connection("reddit", None, Network.public())

    def media(self, partition: Any, *_how: object) -> Any:
        """As `list_media`."""
        from cic_assets.domain.sources.listing import Listing

        raw = self._root.read_table("raw_images", partition.key, LISTED)  # what this takes is no cost of the graph
        return Listing(list(listed(raw, min(100, len(raw) // 10), seed=len(partition.key))))

    def download(self, requests: Sequence[Any], *, store: Any, **_how: object) -> dict[str, Any]:
        """As `download`: pictures of which nothing is there but a name."""
        from cic_assets.domain.download import Download
        from cic_assets.domain.media import Outcome
        from cic_assets.storage import sha256_hex

        found = {}
        for one in requests:
            sha256 = sha256_hex(one.url.encode())
            place = Path(str(store.path(sha256, "jpeg")))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
            found[one.url] = Download(
                url=one.url, outcome=Outcome.OK, sha256=sha256, format="jpeg", width=800, height=600, bytes=90_000
            )
        return found


class Unseen:
    """In place of the looks of pictures, of which there are as many."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        """As of `Looks`."""
        return self._count

    def at(self, rows: NDArray[np.int64]) -> "Unseen":
        """As of `Looks`."""
        return Unseen(len(rows))

    copied = at


def without_looks(tables: Iterable[pd.DataFrame]) -> tuple[pd.DataFrame, Unseen]:
    """In place of `gather`."""
    together = pd.concat(list(tables), ignore_index=True)
    return together, Unseen(len(together))


def proposed(looks: Unseen, _is_flat: object, is_new: NDArray[np.bool_], *_how: object) -> Likely:
    """In place of the search: pairs of those that are new, as many as there are copies, with one of any."""
    random, new = np.random.default_rng(0), np.flatnonzero(is_new)
    asked = random.choice(new, round(len(new) * COPIED), replace=False)
    pairs = np.sort(np.stack([asked, random.integers(0, max(1, len(looks)), len(asked))], axis=1), axis=1)
    return Likely(np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0), np.zeros(len(is_new), bool))


def by_a_stand_in(verifier: Any) -> Any:
    """A class of verifiers that look at no pixels: every other pair that is proposed is one."""
    from cic_assets.domain.duplicates.by_pixels import Block, Compared
    from cic_assets.domain.duplicates.verdicts import Verdict

    def surely(block: Block) -> Compared:
        pairs = block.pairs_of_set()
        return Compared([Verdict("alignment", 0.1) if (one + other) % 2 else None for one, other in pairs], {})

    class Sure(verifier):  # type: ignore[misc]
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self._by_pixels = surely

        def _by_numbers(self, _one: int, _other: int) -> None:
            return None

    return Sure


class Leaders:
    """In place of `Keepers`, who look at pixels: who leads a group is kept."""

    def __init__(self, *_of_what: object) -> None:
        """Of whatever."""

    def instead(self, _groups: object) -> dict[int, int]:
        """As of `Keepers`."""
        return {}


def _without_columns_of_looks(read: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Tables of fingerprints as all but the search need them."""
    from cic_assets.domain.duplicates import CARRIED, FINGERPRINT_COLUMNS
    from cic_assets.domain.duplicates.looks import LOOK_COLUMNS

    light = [name for name in (*CARRIED, *FINGERPRINT_COLUMNS) if name not in LOOK_COLUMNS]

    def read_table(root: DataRoot, name: str, partition: str | None = None, columns: Any = None) -> pd.DataFrame:
        return read(root, name, partition, light if name == "image_hashes" and columns is None else columns)

    return read_table


def materialize_all(root: DataRoot, problem: Problem, name: str, sources: Sequence[str] = ()) -> None:
    """An asset, of all sources or some, one after another."""
    import dagster

    from cic_assets.defs.assets import build_assets
    from cic_assets.defs.resources import AcceleratorResource, DataRootResource, EngineResource, WeightsResource

    (asset,) = (one for one in build_assets(problem) if one.key.path[-1] == problem.dagster.key(name)[-1])
    resources = {
        "data": DataRootResource(url=root.url), "reddit": Listings(root), "weights": WeightsResource(),
        "accelerator": AcceleratorResource(), "engine": EngineResource(),
    }  # fmt: skip
    keys = (sources or list(problem.partitions)) if asset.partitions_def else [None]
    with dagster.DagsterInstance.ephemeral() as instance:
        for key in keys:
            dagster.materialize([asset], partition_key=key, instance=instance, resources=resources)


def check(root: DataRoot, problem: Problem, name: str) -> None:
    """One of the checks."""
    from cic_assets.defs.asset_checks import build_checks
    from cic_assets.defs.resources import DataRootResource

    (asked,) = (one for one in build_checks(problem) if next(iter(one.check_keys)).name == name)
    asked(data=DataRootResource(url=root.url))


def take_down(root: DataRoot, problem: Problem) -> None:
    """Posts of all sources, by hand."""
    from cic_assets.domain.takedowns import purge

    posts = []
    for key in problem.partitions:
        raw = root.read_table("raw_images", key, ["post_id", "outcome"])
        posts += list(
            raw.loc[raw["outcome"] == "ok", "post_id"].drop_duplicates().sample(TAKEN_DOWN // SOURCES, random_state=0)
        )
    with timed("purge"):
        purge(root, posts)


def ask_about_all(root: DataRoot, problem: Problem) -> None:
    """A check of one source, of whose posts as many are gone."""
    from cic_assets.domain.reddit import CheckedPost, PostStatus
    from cic_assets.domain.takedowns import check_takedowns

    key = next(iter(problem.partitions))
    raw = root.read_table("raw_images", key, ["post_id", "outcome"])
    posts = raw.loc[raw["outcome"] == "ok", "post_id"].drop_duplicates()
    gone = set(posts.sample(min(TAKEN_DOWN, len(posts) // 20), random_state=1))

    def ask(asked: Collection[str]) -> dict[str, CheckedPost]:
        return {one: CheckedPost(PostStatus.DELETED if one in gone else PostStatus.KEPT) for one in asked}

    check_takedowns(root, key, ask)


def look_for_missing(root: DataRoot, problem: Problem) -> None:
    """Whether somebody removed a resized copy, as each run asks."""
    from cic_assets.domain.missing_outputs import Remains

    remains = Remains(root, side=problem.dataset.side, models=(), has_weights=False)
    for key in problem.partitions:
        remains.lack("resized_images", key)


def describe(root: DataRoot, problem: Problem) -> None:
    """The report's tables, without models."""
    from cic_assets.domain.dataset import load_info, load_manifest
    from cic_assets.domain.evaluation import ReportInputs, SourceInfo
    from cic_assets.domain.evaluation.album import Album
    from cic_assets.domain.evaluation.cleaning import describe_dataset, when_posted

    classes = problem.classes_by_key
    with patch.object(ReportInputs, "__post_init__"):
        inputs = ReportInputs(
            question="", sources=[SourceInfo(key, key, klass) for key, klass in classes.items()],
            raw=root.read_tables("raw_images", problem.class_partitions), duplicates=root.read_table("duplicates"),
            manifest=load_manifest(root.dataset), dataset=load_info(root.dataset), models={}, images=root.images,
            resized=root.resized(problem.dataset.side),
        )  # fmt: skip
    describe_dataset(inputs)
    when_posted(inputs)
    Album(inputs, problem.report)


STEPS: Mapping[str, Callable[[DataRoot, Problem], None]] = {
    **{name: lambda root, problem, name=name: materialize_all(root, problem, name) for name in GRAPH},
    "dataset_audit": lambda root, problem: materialize_all(root, problem, "dataset_audit"),
    **{
        f"check {name}": lambda root, problem, name=name: check(root, problem, name)
        for name in ("no_copies_are_left", "no_group_across_splits", "no_shortcut", "few_pictures_have_quality_issues")
    },
    "look for missing copies": look_for_missing,
    "tables of the report": describe,
    f"take down {TAKEN_DOWN} posts by hand": take_down,
    f"take down {TAKEN_DOWN} posts of a source": ask_about_all,
    "raw_images by other limits": lambda root, problem: materialize_all(root, problem, "raw_images"),
}


def run_step(name: str, root: DataRoot) -> dict[str, float]:
    """A step in this process."""
    from cic_assets.defs.assets import deduplication
    from cic_assets.domain.dataset import arrays
    from cic_assets.domain.duplicates import find
    from cic_assets.domain.sources import scraping

    limits = {"min_side": 500} if "limits" in name else {}
    problem, listings = problem_of(Path(root.url), limits), Listings(root)
    light = _without_columns_of_looks(DataRoot.read_table) if name == "duplicates" else DataRoot.read_table
    with (
        patch.multiple(scraping, list_media=listings.media, download=listings.download),
        patch.multiple(find, likely_pairs=proposed, Verifier=by_a_stand_in(find.Verifier), Keepers=Leaders),
        patch.multiple(deduplication, gather=without_looks),
        patch.object(DataRoot, "read_table", light),
        patch.object(
            arrays,
            "_write_split",
            lambda folder, split, *_: [(folder / f"{split}{end}.npy").touch() for end in ("", "_labels")],
        ),
    ):
        import cic_assets.defs.asset_checks
        import cic_assets.defs.assets  # noqa: F401 - what is imported is not measured

        logging.disable()
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        STEPS[name](root, problem)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - began,
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": after.ru_maxrss / 1e3,
    }


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a block took."""
    began = time.perf_counter()
    yield
    sys.stderr.write(f"{what}: {time.perf_counter() - began:.1f} s\n")


def measure(rows: int, folder: str, steps: Sequence[str]) -> dict[str, dict[str, float]]:
    """All steps of one size, each in a process of its own."""
    found = {}
    for name in steps:
        command = [sys.executable, __file__, "--step", name, "--root", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
        sys.stderr.write(f"{rows:>9,} {name}: {found[name]}\n")
    return found


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--output", type=Path, default=HERE / "results" / "scale_tables.md")
    parser.add_argument("--step", choices=STEPS, help="run this one here, and print what it took")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS), help="of them only these")
    parser.add_argument("--root", help="a data root that is there already, or is made and kept")
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(run_step(arguments.step, DataRoot(arguments.root))))
        return
    found = {}
    for rows in arguments.sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = arguments.root or temporary
            problem = problem_of(Path(folder), {})
            if not (Path(folder) / "tables").exists():
                write_root(DataRoot(folder), list(problem.partitions), rows, problem.dataset, problem.download)
            found[rows] = measure(rows, folder, arguments.steps)
    text = report(found)
    arguments.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def report(found: Mapping[int, Mapping[str, Mapping[str, float]]]) -> str:
    """The result as Markdown."""
    sizes = list(found)
    lines = []
    for name in found[sizes[0]]:
        cells = (f"{found[rows][name]['seconds']:.1f} ({found[rows][name]['processor']:.1f})" for rows in sizes)
        memory = " | ".join(f"{found[rows][name]['memory']:,.0f}" for rows in sizes)
        lines.append(f"| {name} | {' | '.join(cells)} | {memory} |")
    for rows in sizes:
        of_graph = [found[rows][name] for name in GRAPH if name in found[rows]]
        seconds, processor = (sum(one[what] for one in of_graph) for what in ("seconds", "processor"))
        peak = max((one["memory"] for one in of_graph), default=0)
        told = f"{seconds:.0f} s ({processor:.0f} s of processors), at most {peak:,.0f} MB"
        lines.append(f"\n`raw_images` to `training_dataset`, {rows:,} rows: {told}.")
    heads = " | ".join(f"{rows:,}: s (CPU s)" for rows in sizes) + " | " + " | ".join(f"{rows:,}: MB" for rows in sizes)
    return f"""# Tables: what the graph costs besides pictures

`python benchmarks/scale_tables.py`, {time.strftime("%Y-%m-%d")}; {machine()}.

Over {SOURCES} sources one after another; what the libraries take (some 250 MB) is in the memory. The aim for a million
rows: from `raw_images` to `training_dataset` {MOST_SECONDS} s and {MOST_MEGABYTES:,} MB, a take-down
{MOST_TAKEDOWN_SECONDS} s.

| step | {heads} |
|---|{"---:|" * 2 * len(sizes)}
{chr(10).join(lines)}
"""


if __name__ == "__main__":
    main()
