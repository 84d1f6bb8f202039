"""Features of a frozen backbone against Keras on the same cores, in one run.

    python benchmarks/features.py [--count 1300] [--side 299] [--rounds 2] [--output FILE]

The pictures are drawn: what a backbone takes does not depend on what is on them. The weights are Xception's own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from peers.environment import machine

from cic_assets.domain.models import AcceleratorSettings, ModelSettings, resolve_weights

HERE = Path(__file__).resolve().parent
RUNNERS = {"ours": "exported, onnxruntime (ours)", "keras": "Keras, batches of 32, compiled"}
PEAK_SIDE = 4096
"""Of the square matrices by whose product a core's peak is measured."""


def measure(runner: str, count: int, side: int, work: Path) -> dict[str, float]:
    """Run one view of some pictures through the backbone, in this process, as a training does."""
    from cic_assets.domain.models.accelerator import activate, environment_of
    from cic_assets.domain.models.backbones import Exporting
    from cic_assets.domain.models.features import backbone_features
    from cic_assets.domain.models.measures import flops, peak_rss_bytes
    from cic_assets.domain.models.networks import build_classifier

    accelerator = AcceleratorSettings(device="cpu", mixed_precision=False)
    os.environ.update(environment_of(accelerator) | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    activate(accelerator)
    settings = ModelSettings(architecture="xception", input_size=side).model_copy(update={"views": 1})
    weights = resolve_weights()
    backbone = build_classifier(settings, 2, weights.arrays).backbone
    assert backbone is not None
    random = np.random.default_rng(0)
    train = random.integers(0, 256, (count, side, side, 3), np.uint8)
    exporting = Exporting(weights.sha256, (work / "kept",)) if runner == "ours" else None
    images = {"train": train, "validation": train[:1], "test": train[:1]}
    wall, processor = time.perf_counter(), time.process_time()
    made = backbone_features(backbone, images, settings, work / runner / "features", lambda _event: None, exporting)
    return {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "memory": peak_rss_bytes() / 1e6,
        "gflop": flops(backbone) * (count + 2) / 1e9,
        "mean": float(np.abs(made.views[0][:100].astype(np.float32)).mean()),
    }


def peak() -> dict[str, float]:
    """Billions of operations a second of one core, multiplying matrices: what no network is quicker than."""
    a, b = (np.random.default_rng(i).random((PEAK_SIDE, PEAK_SIDE), np.float32) for i in range(2))
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        a @ b
        best = min(best, time.process_time() - began)
    return {"gflops": 2 * PEAK_SIDE**3 / best / 1e9}


def ask(work: Path, *arguments: str, **variables: str) -> dict[str, float]:
    """One of the above in a process of its own."""
    result = work / "result.json"
    command = [sys.executable, "-W", "ignore", __file__, "--in", str(work), "--result", str(result), *arguments]
    subprocess.run(command, check=True, env={**os.environ, **variables}, stderr=subprocess.DEVNULL)
    return json.loads(result.read_text())


def table(count: int, side: int, rounds: int) -> tuple[str, float]:
    """What each takes, round after round, and a core's peak."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in RUNNERS}
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds):
            for runner, found in rows.items():
                work = Path(name) / str(number)
                work.mkdir(exist_ok=True)
                found.append(ask(work, "--runner", runner, "--count", str(count), "--side", str(side)))
                print(number, runner, found[-1], flush=True)
        of_a_core = ask(Path(name), "--runner", "peak", OPENBLAS_NUM_THREADS="1")["gflops"]
    best = {runner: {key: min(row[key] for row in found) for key in found[0]} for runner, found in rows.items()}
    lines = [
        "| | wall s | processor s | of Keras' | processor ms a picture | GFLOP/s of a core | memory, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for runner, one in best.items():
        lines.append(
            f"| {RUNNERS[runner]} | {one['wall']:.1f} | {one['processor']:.1f} | "
            f"{one['processor'] / best['keras']['processor']:.2f} | {1e3 * one['processor'] / count:.1f} | "
            f"{one['gflop'] / one['processor']:.0f} | {one['memory']:.0f} |"
        )
    return "\n".join(lines), of_a_core


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1300, help="pictures")
    parser.add_argument("--side", type=int, default=299, help="of the pictures, in pixels")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "features.md")
    parser.add_argument("--runner", choices=[*RUNNERS, "peak"], help=argparse.SUPPRESS)
    parser.add_argument("--in", dest="work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.runner:
        of = (arguments.runner, arguments.count, arguments.side, arguments.work)
        arguments.result.write_text(json.dumps(peak() if arguments.runner == "peak" else measure(*of)))
        return
    rows, of_a_core = table(arguments.count, arguments.side, arguments.rounds)
    text = (HERE / "peers" / "features.md").read_text(encoding="utf-8").format(
        command=f"python benchmarks/features.py --count {arguments.count} --side {arguments.side} "
        f"--rounds {arguments.rounds}",
        date=time.strftime("%Y-%m-%d"), machine=machine(), count=arguments.count, side=arguments.side, table=rows,
        peak=of_a_core, matrix=PEAK_SIDE,
    )  # fmt: skip
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
