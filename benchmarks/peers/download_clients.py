"""The clients of the download benchmark, each run by `benchmarks/download.py` in a process and environment of its own.

    python download_clients.py NAME PORT COUNT FOLDER     (prints one line of JSON with what it took)

Only the standard library at the top: every client's environment has its own packages.
"""

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

AT_ONCE = 64
MORE_AT_ONCE = 96
"""Requests under way at once, the same for every client that has them."""

Client = Callable[[list[str], Path], Callable[[], int]]
"""Imports and prepares, and returns what is timed: a function that gives the number of pictures on disk."""


def urls(port: int, count: int, host: str = "127.0.0.1") -> list[str]:
    """The pictures to fetch."""
    return [f"http://{host}:{port}/{number}.jpg" for number in range(count)]


def serial(links: list[str], folder: Path) -> Callable[[], int]:
    """The original scraper's loop: one after another, decoded and saved again as JPEG."""
    import cv2
    import numpy as np
    import requests

    def run() -> int:
        for number, link in enumerate(links):
            data = requests.get(link, timeout=30).content
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            cv2.imwrite(str(folder / f"{number}.jpg"), image)
        return len(list(folder.iterdir()))

    return run


def threads(links: list[str], folder: Path) -> Callable[[], int]:
    """What many scrapers are: requests in a pool of threads; bytes are kept as they come, and not looked at."""
    import requests

    local = threading.local()

    def fetch(item: tuple[int, str]) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        response = local.session.get(item[1], timeout=30)
        response.raise_for_status()
        (folder / f"{item[0]}.jpg").write_bytes(response.content)

    def run() -> int:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(fetch, enumerate(links)))
        return len(list(folder.iterdir()))

    return run


def gallery_dl(links: list[str], folder: Path) -> Callable[[], int]:
    """gallery-dl with a file of direct links: one after another, each in a session of its own; names decide."""
    import gallery_dl

    listing = folder.with_suffix(".txt")
    listing.write_text("\n".join(links))

    def run() -> int:
        sys.argv = ["gallery-dl", "--config-ignore", "--quiet", "-D", str(folder), "-i", str(listing)]
        gallery_dl.main()
        return len(list(folder.iterdir()))

    return run


def img2dataset(links: list[str], folder: Path) -> Callable[[], int]:
    """img2dataset in one process, told to keep the bytes as they come (no resizing, no encoding)."""
    from img2dataset import download

    listing = folder / "urls.txt"
    listing.write_text("\n".join(links))

    def run() -> int:
        download(
            url_list=str(listing),
            output_folder=str(folder / "out"),
            processes_count=1,
            thread_count=AT_ONCE,
            resize_mode="no",
            skip_reencode=True,
            output_format="files",
        )
        return len(list((folder / "out").rglob("*.jpg")))

    return run


def img2dataset_seconds(folder: Path) -> float | None:
    """The time that img2dataset itself counts for its one shard, without the start of its processes."""
    stats = list(folder.glob("out/*_stats.json"))
    return sum(json.loads(file.read_text())["duration"] for file in stats) if stats else None


def aiohttp_bare(links: list[str], _folder: Path) -> Callable[[], int]:
    """Only aiohttp, keeping and checking nothing: what a client on this library could reach at most."""
    import aiohttp

    async def fetch_all() -> int:
        left, got = iter(links), 0

        async def worker() -> None:
            nonlocal got
            for link in left:
                async with session.get(link) as response:
                    got += bool(await response.read())

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
            await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return got

    return lambda: asyncio.run(fetch_all())


def ours(links: list[str], folder: Path, at_once: int = AT_ONCE) -> Callable[[], int]:
    """cic_assets: every picture decoded to see that it is whole, hashed, and written so that a kill leaves no part."""
    from upath import UPath

    from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download
    from cic_assets.storage import ContentStore

    port = int(links[0].split(":")[2].split("/")[0])
    requests = [FetchRequest(url=f"http://photos.example/{link.rsplit('/', 1)[1]}") for link in links]

    def run() -> int:
        store = ContentStore(UPath(folder))
        results = download(
            requests,
            store=store,
            settings=DownloadSettings(concurrency=at_once, per_host=at_once),
            network=Network.replay("127.0.0.1", port),
        )
        store.flush()
        assert all(result.outcome == "ok" for result in results.values())
        return len(list(folder.rglob("*.jpg")))

    return run


CLIENTS: dict[str, Client] = {
    "serial": serial,
    "threads": threads,
    "gallery_dl": gallery_dl,
    "img2dataset": img2dataset,
    "aiohttp_bare": aiohttp_bare,
    "ours": ours,
    "ours_more": partial(ours, at_once=MORE_AT_ONCE),
}


def _cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _peak_megabytes() -> float:
    """Of this process, or of the largest that it started. Not ru_maxrss: that begins with what our parent had."""
    status = Path("/proc/self/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    children = [process for process in (resource.getrusage(resource.RUSAGE_CHILDREN),) if process.ru_utime > 1]
    return max([own, *(process.ru_maxrss for process in children)]) / 1024


def main() -> None:
    """Run one client and print what it took."""
    name, port, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    run = CLIENTS[name](urls(port, count), folder)
    cpu, start = _cpu_seconds(), time.perf_counter()
    kept = run()
    seconds, cpu = time.perf_counter() - start, _cpu_seconds() - cpu
    assert kept == count, f"{name} has {kept} of {count}"
    own = img2dataset_seconds(folder) if name == "img2dataset" else None
    print(json.dumps({"seconds": seconds, "cpu": cpu, "own_seconds": own, "peak_mb": _peak_megabytes()}))


if __name__ == "__main__":
    main()
