"""Finding duplicates against its peers, in one run: the same pictures, copies of known kinds among them.

    python benchmarks/duplicates.py [--archive DIR [--truth FILE]] [--same NAME NAME] [--rounds 3]
        [--output benchmarks/results/duplicates.md]

DIR is a recorded archive with its truth (docs/archive-format.md); without one the embedded sample is taken. NAME and
NAME are files of it whose pictures somebody has looked at and found to be the same, though the truth does not say so.
Each peer gets an environment of its own, made with pip on the first run. They take turns, round after round, so that
what else the machine does strikes them alike; of each the fastest round counts.
"""

import argparse
import csv
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
from peers.environment import machine, python_of
from PIL import Image

from cic_assets.domain.images import decode, fingerprint, read_header
from cic_assets.storage import EXTENSIONS
from cic_assets.web.replay import SAMPLE_ARCHIVE

HERE = Path(__file__).resolve().parent
IMAGEDEDUP_NEEDS = ("numpy", "scipy", "pillow", "tqdm", "scikit-learn", "PyWavelets", "matplotlib")
IMAGEDEDUP = ("imagededup==0.3.3.post2",)
IMAGEHASH = ("imagehash==4.3.2",)


@dataclass(frozen=True)
class Finder:
    """Who takes part.

    Attributes:
        name: in `peers/duplicate_finders.py`.
        title: in the table.
        environment: of the peer; none for our own.
        packages: pinned.
        alone: pinned, installed without what they depend on.
    """

    name: str
    title: str
    environment: str = ""
    packages: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    def run(self, folder: Path, result: Path) -> "Found":
        """One round over the pictures of a folder."""
        python = python_of(self.environment, self.packages, self.alone)
        command = [python, "-W", "ignore", HERE / "peers" / "duplicate_finders.py", self.name, folder, result]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
        if done.returncode:
            raise SystemExit(f"{self.name} failed:\n{done.stderr[-2000:]}")
        found = json.loads(result.read_text())
        return Found(found["wall"], found["processor"], tuple(tuple(names) for names in found["alike"]))


FINDERS = (
    Finder("difpy", 'difPy 4.2.1, "similar"', "difpy", ("difPy==4.2.1",)),
    Finder("difpy_any_size", 'difPy 4.2.1, "similar", sizes may differ', "difpy", ("difPy==4.2.1",)),
    Finder("imagededup_phash", "imagededup 0.3.3, PHash within 10", "imagededup", IMAGEDEDUP_NEEDS, IMAGEDEDUP),
    Finder("imagededup_dhash", "imagededup 0.3.3, DHash within 10", "imagededup", IMAGEDEDUP_NEEDS, IMAGEDEDUP),
    Finder("cleanvision", "cleanvision 0.3.7, exact and near", "cleanvision", ("cleanvision==0.3.7",)),
    Finder("imagehash_phash", "imagehash 4.3.2, pHash within 10, brute force", "imagehash", IMAGEHASH),
    Finder("imagehash_dhash", "imagehash 4.3.2, dHash within 10, brute force", "imagehash", IMAGEHASH),
    Finder("ours", "cic_assets"),
)


@dataclass(frozen=True)
class Found:
    """What one finder said: seconds of wall and processor time, and files that are alike, in groups or pairs."""

    wall: float
    processor: float
    alike: tuple[tuple[str, ...], ...]


@dataclass
class Pictures:
    """A folder of pictures and the truth about them.

    Attributes:
        folder: the files.
        original: of each file the first file that shows its picture, itself if it is no copy.
        copies: of each kind the files that are copies, each with what it was made of.
        need: of each kind "must", "should" or "conflict".
    """

    folder: Path
    original: dict[str, str] = field(default_factory=dict)
    copies: defaultdict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    need: dict[str, str] = field(default_factory=dict)


def gather(archive: Path, truth: Path, same: list[list[str]], folder: Path) -> Pictures:
    """Copy an archive's good pictures into a folder, with endings that tell what they are."""
    with truth.open(newline="") as file:
        rows = {row["url"]: row for row in csv.DictReader(file) if row["outcome"] == "ok"}
    media = _media(archive)
    names = {url: _lay(archive / "media" / media[url], folder) for url in rows if url in media}
    pictures = Pictures(folder)
    for url, name in names.items():
        row = rows[url]
        pictures.original[name] = names.get(row["copy_of"], name)
        if row["copy_of"] in names:
            pictures.copies[row["kind"]].append((name, names[row["copy_of"]]))
            pictures.need[row["kind"]] = row["need"]
    for one, other in same:
        pictures.original[_named(one, names)] = _named(other, names)
    pictures.original = {name: _first(name, pictures.original) for name in pictures.original}
    return pictures


def _media(archive: Path) -> dict[str, str]:
    """The file of each URL that answers with one."""
    routes = [json.loads(line) for line in (archive / "routes.jsonl").read_text().splitlines()]
    return {
        f"http://{route['host']}{route['path']}" + (f"?{route['query']}" if route.get("query") else ""): route["file"]
        for route in routes
        if "file" in route
    }


def _lay(source: Path, folder: Path) -> str:
    data = source.read_bytes()
    name = source.stem + EXTENSIONS[read_header(data).format]
    (folder / name).write_bytes(data)
    return name


def _named(stem: str, names: dict[str, str]) -> str:
    return next(name for name in names.values() if Path(name).stem == Path(stem).stem)


def _first(name: str, original: dict[str, str]) -> str:
    while original[name] != name:
        name = original[name]
    return name


def judge(found: Found, pictures: Pictures) -> tuple[Counter[str], int, int]:
    """How many copies of each kind are in one group with their picture, and the pairs said to be alike: all and right.

    A finder's groups are what its pairs connect, in its favour; its pairs are those that it names, likewise.
    """
    leader = {name: name for name in pictures.original}
    for names in found.alike:
        leaders = {leader[name] for name in names}
        leader = {name: min(leaders) if own in leaders else own for name, own in leader.items()}
    hits = Counter(
        kind for kind, copies in pictures.copies.items() for one, other in copies if leader[one] == leader[other]
    )
    pairs = {tuple(sorted(pair)) for names in found.alike for pair in combinations(set(names), 2)}
    right = sum(pictures.original[one] == pictures.original[other] for one, other in pairs)
    return hits, len(pairs), right


def measure(folder: Path, rounds: int) -> dict[str, Found]:
    """The fastest round of each finder."""
    best: dict[str, Found] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds):
            for finder in FINDERS:
                found = finder.run(folder, Path(scratch) / "result.json")
                print(f"round {number + 1}: {finder.name} {found.wall:.2f} s, {found.processor:.2f} s", flush=True)
                best[finder.name] = min(best.get(finder.name, found), found, key=lambda one: one.processor)
    return best


def summary(best: dict[str, Found], pictures: Pictures) -> str:
    """The table of all finders."""
    columns = (
        "finder", "must", "should", "conflict", "recall", "pairs", "of which wrong", "precision",
        "wall s", "x ours", "processor s", "x ours",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    for finder in FINDERS:
        found = best[finder.name]
        hits, pairs, right = judge(found, pictures)
        by_need = [_share(hits, [kind for kind, need in pictures.need.items() if need == wanted], pictures)
                   for wanted in ("must", "should", "conflict")]  # fmt: skip
        total = sum(map(len, pictures.copies.values()))
        precision = f"{right / pairs:.2%}" if pairs else ""
        lines.append(
            f"| {finder.title} | {' | '.join(by_need)} | {sum(hits.values()) / total:.1%} | {pairs} | {pairs - right} "
            f"| {precision} | {found.wall:.2f} | {found.wall / best['ours'].wall:.1f} | {found.processor:.2f} "
            f"| {found.processor / best['ours'].processor:.1f} |"
        )
    return "\n".join(lines)


def kinds(best: dict[str, Found], pictures: Pictures) -> str:
    """The table of all kinds of copies."""
    titles = [finder.name.replace("_", " ") for finder in FINDERS]
    lines = [f"| kind | need | copies | {' | '.join(titles)} |", f"|---|---|---:|{'---:|' * len(titles)}"]
    hits = {name: judge(found, pictures)[0] for name, found in best.items()}
    for kind, copies in sorted(pictures.copies.items(), key=lambda item: (pictures.need[item[0]], item[0])):
        counts = " | ".join(str(hits[finder.name][kind]) for finder in FINDERS)
        lines.append(f"| {kind} | {pictures.need[kind]} | {len(copies)} | {counts} |")
    return "\n".join(lines)


def _share(hits: Counter[str], chosen: list[str], pictures: Pictures) -> str:
    return f"{sum(hits[kind] for kind in chosen)} of {sum(len(pictures.copies[kind]) for kind in chosen)}"


def equal_to_imagehash(folder: Path) -> tuple[float, float]:
    """The share of our 64-bit and 256-bit pHashes that are imagehash's, of a full decode, to the bit."""
    equal = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        image, found = Image.fromarray(decode(data)), fingerprint(data)
        of_64 = found.phash == int(str(imagehash.phash(image)), 16)
        equal.append((of_64, found.phash256 == bytes.fromhex(str(imagehash.phash(image, hash_size=16)))))
    of_64, of_256 = np.mean(equal, axis=0)
    return float(of_64), float(of_256)


def page(arguments: argparse.Namespace, best: dict[str, Found], pictures: Pictures) -> str:
    """The result as Markdown."""
    archive = " --archive DIR" if arguments.archive else ""
    looked_at = "".join(" --same NAME NAME" for _ in arguments.same)
    of_64, of_256 = equal_to_imagehash(pictures.folder)
    template = (HERE / "peers" / "duplicates.md").read_text()
    return template.format(
        command=f"python benchmarks/duplicates.py{archive}{looked_at} --rounds {arguments.rounds}",
        date=time.strftime("%Y-%m-%d"),
        machine=machine(),
        source="a recorded archive of real photos" if arguments.archive else "the embedded sample, drawn pictures",
        count=len(pictures.original),
        copies=sum(map(len, pictures.copies.values())),
        same=f", {len(arguments.same)} more pair(s) counted as the same after a look" if arguments.same else "",
        summary=summary(best, pictures),
        kinds=kinds(best, pictures),
        of_64=f"{of_64:.1%}",
        of_256=f"{of_256:.1%}",
    )


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", type=Path, help="a recorded archive; the embedded sample without")
    parser.add_argument("--truth", type=Path, help="its truth; ARCHIVE/truth.csv without")
    parser.add_argument("--same", nargs=2, action="append", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "duplicates.md")
    arguments = parser.parse_args()
    archive = arguments.archive or SAMPLE_ARCHIVE
    with tempfile.TemporaryDirectory() as folder:
        pictures = gather(archive, arguments.truth or archive / "truth.csv", arguments.same, Path(folder))
        best = measure(pictures.folder, arguments.rounds)
        text = page(arguments, best, pictures)
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
