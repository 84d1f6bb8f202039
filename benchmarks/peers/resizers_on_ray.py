"""One round of a peer's resizer on a Ray cluster, run by `benchmarks/scale_engine.py` in that peer's own environment.

    python resizers_on_ray.py NAME FOLDER SHARD RESULT

A shard of paths is a task, and all are submitted at once, as img2dataset's own Ray distributor does; without what else
it does there, which is to download. RESULT gets the seconds of wall time for all pictures of the folder, once a file
RESULT.go says that it is time; while that lies there, who reads the processor time of all that took part finds us.
"""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).resolve().parent)
WARM_UP = 4  # shards


def resize(name: str, paths: list[str]) -> int:
    """In a worker: the bytes of all copies."""
    sys.path[:0] = [HERE] if HERE not in sys.path else []
    from resizers import resizer_of

    timed, _ = resizer_of(name)
    return sum(len(timed(Path(path).read_bytes())[0]) for path in paths)


def main(name: str, folder: str, shard: str, result: str) -> None:
    """Warm up, wait, run one round, wait."""
    import ray

    # The workers, too, are of this environment; one thread each, as ours.
    variables = {"OPENCV_FOR_THREADS_NUM": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment: dict[str, Any] = {"py_executable": sys.executable, "env_vars": variables}
    ray.init("auto", log_to_driver=False, logging_level=logging.ERROR, runtime_env=environment)
    remote = ray.remote(resize).options(num_cpus=1, scheduling_strategy="SPREAD")
    paths = sorted(map(str, Path(folder).glob("*.jpg")))
    shards = [paths[first : first + int(shard)] for first in range(0, len(paths), int(shard))]

    def run(shards: list[list[str]]) -> None:
        assert all(ray.get([remote.remote(name, paths) for paths in shards]))

    run(shards[:WARM_UP])
    run(shards[:WARM_UP])
    Path(result + ".ready").touch()
    while not Path(result + ".go").exists():
        time.sleep(0.01)
    began = time.perf_counter()
    run(shards)
    Path(result).write_text(json.dumps(time.perf_counter() - began))
    while Path(result + ".go").exists():
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
