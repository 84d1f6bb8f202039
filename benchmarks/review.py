"""The review page with ten thousand open entries: how long until the next is seen, and what it takes.

    python benchmarks/review.py [--entries 10000] [--decisions 500] [--pause 0.2]

Pairs of pictures of 2 megapixels, each pair near the limit of a copy: two pictures to fetch for each entry. `cic
review` serves them as a process of its own; a Chromium on the same cores presses keys. From a key to the frame in which
both pictures of the next entry are painted is what a person waits.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import requests
from peers.environment import machine
from playwright.sync_api import Page, sync_playwright

from cic_assets.domain import duplicates
from cic_assets.domain.overrides import load_overrides
from cic_assets.domain.schema import types_of
from cic_assets.storage import DataRoot

CHROMIUM = "/usr/bin/chromium"
PICTURES = 400
WIDTH, HEIGHT = 1632, 1224
PROBLEM = "name: pairs\nclasses: {car: ['folder:cars'], tank: ['folder:tanks']}\n"
PRESS = """(key) => new Promise((done) => {
  const names = () => [...document.querySelectorAll("figure")].map((one) => one.dataset.sha256).join();
  const before = names(), began = performance.now();
  const look = () => {
    const images = [...document.querySelectorAll("figure img")];
    if (names() !== before && images.length === 2 && images.every((one) => one.complete && one.naturalWidth))
      requestAnimationFrame(() => done(performance.now() - began));
    else requestAnimationFrame(look);
  };
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  look();
})"""
TEXT = """# The review page

`{command}`, {date}; {machine}.

{entries:,} open pairs of pictures of {width} by {height} pixels, in `cic review`, and a Chromium on the same cores.
{decisions:,} are decided with `S` and `D`, each {pause:g} s after the one before was seen. *Shown* is from the key to
the frame in which both pictures of the next pair are painted.

| | |
|---|---:|
| from opening the page to the first pair | {first:.0f} ms |
| elements of the page, with {entries:,} entries open | {nodes:,} |
| memory of the page's script | {heap:.1f} MB |
| shown: median of {decisions:,} | {median:.0f} ms |
| shown: 95 of 100 | {p95:.0f} ms |
| shown: 99 of 100 | {p99:.0f} ms |
| shown: longest | {longest:.0f} ms |
| shown within 100 ms | {within:.1%} |
| decisions a minute, the pauses included | {rate:.0f} |
| until the last one stood in the file, after the last key | {lag:.1f} s |
| decisions in the file | {written:,} |
| memory of the server at its end | {memory:.0f} MB |
"""


def make_root(folder: Path, entries: int) -> None:
    """A data root with so many pairs near the limit."""
    root, names = DataRoot(str(folder / "data")), []
    for number in range(PICTURES):
        small = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
        picture = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        names.append(root.images.put(cv2.imencode(".jpg", picture)[1].tobytes(), "jpeg"))
    rows = {
        "sha256": names,
        "subreddit": "cars",
        "permalink": [f"https://www.reddit.com/r/cars/comments/{name[:6]}/" for name in names],
        "title": [f"Picture {name[:8]}" for name in names],
        "author": "somebody",
        "created_utc": 1.7e9,
        "format": "jpeg",
        "width": WIDTH,
        "height": HEIGHT,
        "bytes": 400_000,
    }
    root.write_table("image_hashes", pd.DataFrame(rows), "cars")
    pairs = list(islice(combinations(names, 2), entries))
    distances = np.linspace(0.199, 0.101, len(pairs))
    bridges = {"sha256": [b for _, b in pairs], "verified_against": [a for a, _ in pairs]}
    root.write_table("bridges", pd.DataFrame({**bridges, "verified_by": "alignment", "distance": distances}))
    empty = pd.DataFrame(columns=list(duplicates.COLUMNS)).astype(types_of(duplicates.COLUMNS))
    root.write_table("duplicates", empty)
    (folder / "problem.yaml").write_text(PROBLEM)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """`cic review` of it: its address and process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [Path(sys.executable).parent / "cic", "review", "--problem", folder / "problem.yaml", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/review"
            while True:
                try:
                    requests.get(url, timeout=60)
                    break
                except requests.ConnectionError:
                    time.sleep(0.2)
            yield url, process.pid
        finally:
            process.terminate()


def work(page: Page, url: str, folder: Path, decisions: int, pause: float) -> dict[str, Any]:
    """Open the page and decide; what it took."""
    began = time.perf_counter()
    page.goto(f"{url}#copies")
    page.locator("figure img").nth(1).wait_for(timeout=120_000)
    told: dict[str, Any] = {"first": 1000 * (time.perf_counter() - began)}
    page.wait_for_timeout(3000)
    told["nodes"] = page.evaluate("document.getElementsByTagName('*').length")
    took, start = [], time.perf_counter()
    for number in range(decisions):
        took.append(page.evaluate(PRESS, "sd"[number % 2]))
        page.wait_for_timeout(1000 * pause)
    told["rate"] = 60 * decisions / (time.perf_counter() - start)
    last = time.perf_counter()
    while True:
        copies = load_overrides(folder / "overrides.yaml").copies
        told["written"] = len(copies.same) + len(copies.different)
        if told["written"] >= decisions or time.perf_counter() - last > 300:
            break
        time.sleep(0.1)
    told["lag"] = time.perf_counter() - last
    told["heap"] = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    median, p95, p99 = np.quantile(took, [0.5, 0.95, 0.99])
    told |= {"median": median, "p95": p95, "p99": p99, "longest": max(took)}
    return told | {"within": float(np.mean(np.array(took) < 100))}


def memory_of(process: int) -> float:
    """Resident, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1000


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=500)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between what is seen and the next key")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "review.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_root(folder, arguments.entries)
        with serving(folder) as (url, process), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            told = work(page, url, folder, arguments.decisions, arguments.pause)
            told["memory"] = memory_of(process)
            browser.close()
    text = TEXT.format(
        command=f"python benchmarks/review.py --entries {arguments.entries} --decisions {arguments.decisions} "
        f"--pause {arguments.pause:g}",
        date=time.strftime("%Y-%m-%d"),
        machine=machine(),
        entries=arguments.entries,
        decisions=arguments.decisions,
        pause=arguments.pause,
        width=WIDTH,
        height=HEIGHT,
        **told,
    )
    arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
