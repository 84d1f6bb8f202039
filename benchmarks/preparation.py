"""What preparation costs besides looking at pictures: a source of 100,000 through tables, splits, cues and versions.

    python benchmarks/preparation.py [--rows 100000] [--output benchmarks/results/preparation.md]

The rows are made up, the steps are those of the graph when all copies are there already: read, write and hash a table,
see that each copy is there, divide, look for shortcuts and poor pictures. No picture is decoded or resized, and no
array of pixels written: that is the work itself, see `resize.py`.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from peers.environment import machine

from cic_assets.domain.dataset import (
    COPIES,
    DatasetSettings,
    SplitBy,
    SplitSettings,
    assign_splits,
    find_quality_issues,
    find_shortcuts,
    find_units,
    relations_of_posts,
    resize_pictures,
)
from cic_assets.storage import DataRoot, content_version

HERE = Path(__file__).resolve().parent
CLASSES = ("car", "tank")


def made_up(rows: int) -> pd.DataFrame:
    """Rows as `resized_images` has them, with texts as long as posts have."""
    random = np.random.default_rng(0)
    names = [random.bytes(32).hex() for _ in range(2 * rows)]
    table = pd.DataFrame({"sha256": names[:rows], "resized_sha256": names[rows:]})
    table["klass"] = np.array(CLASSES)[random.integers(0, 2, rows)]
    table["subreddit"] = table["klass"] + "s"
    table["group_id"] = table["sha256"].where(random.random(rows) > 0.05, "g" + table["sha256"].str[:15])
    table["unit_id"] = table["group_id"]
    table["post_id"] = table["sha256"].str[:7]
    table["crosspost_of"] = ""
    table["permalink"] = "/r/" + table["subreddit"] + "/comments/" + table["post_id"] + "/a_title_of_some_length/"
    table["title"] = "A title of some length of the post " + table["post_id"]
    table["author"] = "author_" + table["sha256"].str[8:16]
    table["created_utc"] = 1.6e9 + random.integers(0, 10**8, rows)
    table["format"] = "jpeg"
    table["upscaled"] = False
    for name, top in {"width": 4000, "height": 3000, "bytes": 500_000, "bytes_after": 20_000}.items():
        table[name] = random.integers(300, top, rows)
    for name in ("red", "green", "blue", "brightness", "contrast", "flatness", "content_left", "content_top"):
        table[name] = random.random(rows)
    return table.assign(sharpness=random.lognormal(6, 1, rows), content_right=1.0, content_bottom=1.0)


def steps(root: DataRoot, table: pd.DataFrame) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each step of the graph's own cost with its name."""
    previous = dict(zip(table["sha256"], assign_splits(table, {}, {}, SplitSettings()), strict=True))
    copies_of = list(zip(table["sha256"], table["group_id"], strict=True))
    members = table.set_index("sha256")["unit_id"]
    yield "write a table", lambda: root.write_table("resized_images", table, "cars")
    yield "read it", lambda: root.read_table("resized_images", "cars")
    yield "hash it (its version)", lambda: content_version(table)
    kept = table.drop(columns=["resized_sha256", "bytes_after", "red", "green", "blue"])
    made = table.assign(jpeg_quality=95, side=256)
    copies = root.resized(256)
    yield "see that each copy is there", lambda: resize_pictures(kept, root.images, copies, DatasetSettings(), made)
    yield (
        "find what must be in one split",
        lambda: find_units(table["sha256"], {COPIES: copies_of, **relations_of_posts(table)}),
    )
    for by in SplitBy:
        settings = DatasetSettings(splits=SplitSettings(by=by)).splits
        yield f"divide by {by}", lambda settings=settings: assign_splits(table, members, previous, settings)
    yield "hash the data set (its version)", lambda: content_version(table[["resized_sha256", "klass"]])
    yield "look for shortcuts", lambda: find_shortcuts(table, CLASSES)
    yield "look for poor pictures", lambda: find_quality_issues(table)


@contextmanager
def timed(seconds: dict[str, tuple[float, float]], name: str) -> Iterator[None]:
    """Wall and processor seconds of a block."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    seconds[name] = time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "preparation.md")
    arguments = parser.parse_args()
    seconds: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        table = made_up(arguments.rows)
        for sha256 in table["sha256"]:
            copy = Path(folder) / "resized" / "256" / sha256[:2] / f"{sha256}.jpg"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
        for name, step in steps(DataRoot(folder), table):
            with timed(seconds, name):
                step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    arguments.output.write_text(report(arguments.rows, seconds, peak), encoding="utf-8")
    sys.stdout.write(arguments.output.read_text(encoding="utf-8"))


def report(rows: int, seconds: dict[str, tuple[float, float]], peak: int) -> str:
    """The result as Markdown."""
    lines = [f"| {name} | {wall:.2f} | {processor:.2f} |" for name, (wall, processor) in seconds.items()]
    total = [sum(column) for column in zip(*seconds.values(), strict=True)]
    return f"""# Preparation: what it costs besides pictures

`python benchmarks/preparation.py --rows {rows}`, {time.strftime("%Y-%m-%d")}; {machine()}.
Where others use the machine, processor seconds count.

{rows:,} rows. A run reads and writes each table once and divides by one of the three rules.

| step | seconds | processor seconds |
|---|---:|---:|
{chr(10).join(lines)}
| **all of these** | **{total[0]:.2f}** | **{total[1]:.2f}** |

Peak memory of the process, the libraries and the made-up table in it: {peak / 1e6:.0f} MB.
"""


if __name__ == "__main__":
    main()
