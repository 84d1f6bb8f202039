"""Predicting against its peers, in one run: one picture at a time, and a folder of photos.

    python benchmarks/predict.py PHOTOS [--count 60] [--photos 1000] [--rounds 3] [--output FILE]

PHOTOS is a folder of real JPEGs. LiteRT gets an environment of its own, made with pip on the first run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from peers.environment import machine, python_of

from cic_assets.domain.models import (
    AcceleratorSettings,
    Architecture,
    Card,
    Measures,
    ModelSettings,
    Scores,
    fit_to_side,
    resolve_weights,
)
from cic_assets.domain.models.card import Preprocessing, file_sha256
from cic_assets.domain.models.export import golden_pictures, write_export
from cic_assets.domain.prediction import Predictor, load_predictor, read_inputs
from cic_assets.storage import DataRoot, write_json

HERE = Path(__file__).resolve().parent
MODELS: tuple[Architecture, ...] = ("vgg", "peetz_net", "xception")
PEERS = {
    "ours": "exported, onnxruntime (ours)",
    "keras_traced": "Keras, compiled once",
    "keras_predict": "Keras, `predict`",
    "litert": "LiteRT 2.3.0",
}
PACKAGES = {"litert": ("ai-edge-litert==2.3.0", "numpy")}
THREADS = (1, 2)

FOLDER = """
import sys
from cic_assets.domain.prediction import predict_sources
from cic_assets.storage import DataRoot
print(sum(one.label is not None for one in predict_sources(DataRoot(sys.argv[1]), sys.argv[3:], sys.argv[2])))
"""


def make_root(folder: Path) -> DataRoot:
    """A data root of untrained models of full size, each in every format."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from cic_assets.domain.models.networks import build_classifier

    root, weights = DataRoot(str(folder)), resolve_weights(say=print).arrays
    for name in MODELS:
        settings = ModelSettings(architecture=name)
        side, place = settings.input_size, Path(str(root.model(name)))
        place.mkdir(parents=True)
        model = build_classifier(settings, 2, weights if name == "xception" else None).model
        model.save(place / "model.keras")
        model.export(place / "model.tflite", format="litert", verbose=False)
        card = Card(
            name=name, settings=settings, labels=["car", "tank"], sha256=file_sha256(place / "model.keras"),
            preprocessing=Preprocessing(side=max(256, side), input_size=side, jpeg_quality=95), data_version="",
            code_version="", keras_version="", backend="tensorflow", device="cpu", accelerator=AcceleratorSettings(),
            weights=None, random_weights=False, best_epoch=1, stopped_early=False, history=[], warnings=[],
            scores={"validation": Scores(loss=1, accuracy=0.5, count=1)},
            measures=Measures(**dict.fromkeys(Measures.model_fields, 1)),
            export=write_export(model, place, ["car", "tank"], golden_pictures(side)),
        )  # fmt: skip
        write_json(root.model(name) / "card.json", card.model_dump(mode="json"))
    return root


def prepare(predictor: Predictor, photos: list[Path], target: Path) -> list[float]:
    """Write the photos as the model takes them; how many milliseconds preparing each took."""
    prepared, times = [], []
    for item in read_inputs(map(str, photos)):
        began = time.perf_counter()
        picture = predictor.prepare(item)
        times.append(1e3 * (time.perf_counter() - began))
        if not isinstance(picture, str):
            prepared.append(picture)
    np.save(target, fit_to_side(np.stack(prepared), predictor.card.preprocessing.input_size))
    return times


def ask(peer: str, model: Path, pictures: Path, threads: int) -> dict[str, float | list[list[float]]]:
    """One round of one runtime."""
    result = pictures.with_suffix(".json")
    script = HERE / "peers" / "predictors.py"
    python = python_of(peer, PACKAGES.get(peer, ()))
    command = [python, "-W", "ignore", script, peer, model, pictures, str(threads), result]
    subprocess.run(command, check=True, timeout=900, stderr=subprocess.DEVNULL)
    return json.loads(result.read_text())


def table(model: Path, pictures: Path, rounds: int) -> str:
    """What every runtime takes for one model."""
    lines = [
        "| | threads | ms a picture | processor ms | ready, s | memory, MB | largest difference |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for threads in THREADS:
        found: dict[str, list] = {peer: [] for peer in PEERS}
        for _ in range(rounds):
            for peer, rows in found.items():
                rows.append(ask(peer, model, pictures, threads))
        reference = np.array(found["keras_traced"][0]["answers"])
        for peer, rows in found.items():
            wall, processor, ready, peak = (
                min(row[key] for row in rows) for key in ("wall", "processor", "ready", "peak")
            )
            difference = np.abs(np.array(rows[0]["answers"]) - reference).max()
            lines.append(
                f"| {PEERS[peer]} | {threads} | {wall:.1f} | {processor:.1f} | {ready:.2f} | {peak:.0f} | "
                f"{difference:.0e} |"
            )
    return "\n".join(lines)


def folder_table(root: DataRoot, photos: list[Path]) -> str:
    """What a folder of photos takes with and without an exported model."""
    lines = ["| | | wall s | processor s | memory, MB |", "|---|---|---:|---:|---:|"]
    for name in MODELS:
        for title, exported in (("exported (ours)", True), ("Keras, batches of 32", False)):
            with tempfile.TemporaryDirectory() as temporary:
                seen = DataRoot(temporary)
                seen.models.mkdir()
                _link_model(root, seen, name, exported=exported)
                before, began = os.times(), time.perf_counter()
                peak = _peak_of([sys.executable, "-W", "ignore", "-c", FOLDER, temporary, name, *map(str, photos)])
                wall, after = time.perf_counter() - began, os.times()
            processor = sum(after[2:4]) - sum(before[2:4])
            lines.append(f"| {name} | {title} | {wall:.1f} | {processor:.1f} | {peak:.0f} |")
    return "\n".join(lines)


def _link_model(root: DataRoot, seen: DataRoot, name: str, *, exported: bool) -> None:
    folder, place = Path(str(root.model(name))), Path(str(seen.model(name)))
    place.mkdir()
    for file in folder.iterdir():
        if file.name != "card.json":
            os.link(file, place / file.name)
    card = json.loads((folder / "card.json").read_text())
    write_json(seen.model(name) / "card.json", card if exported else card | {"export": None})


def _peak_of(command: list[str]) -> float:
    """Run a process to its end; the most memory that it held, in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status, peak = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        words = status.read_text().partition("VmHWM:")[2].split()
        peak = max(peak, int(words[0]) if words else 0)
        time.sleep(0.02)
    assert process.returncode == 0
    return peak / 1e3


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos_folder", metavar="PHOTOS", type=Path)
    parser.add_argument("--count", type=int, default=60, help="pictures that each runtime is asked about")
    parser.add_argument(
        "--photos", type=int, default=1000, help="of the folder; again from the first where it has less"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "predict.md")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos_folder.rglob("*.jpg"))
    tables, times = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        root = make_root(folder / "root")
        for name in MODELS:
            pictures = folder / f"{name}.npy"
            times += prepare(load_predictor(root, name), photos[: arguments.count], pictures)
            tables.append(f"## {name}\n\n{table(Path(str(root.model(name))), pictures, arguments.rounds)}\n")
            print(tables[-1], flush=True)
        whole = folder_table(root, list(islice(cycle(photos), arguments.photos)))
    text = (HERE / "peers" / "predict.md").read_text(encoding="utf-8").format(
        command="python benchmarks/predict.py PHOTOS "
        f"--count {arguments.count} --photos {arguments.photos} --rounds {arguments.rounds}",
        date=time.strftime("%Y-%m-%d"), machine=machine(), count=arguments.count, photos=arguments.photos,
        tables="\n".join(tables), prepared=statistics.median(times), folder=whole,
    )  # fmt: skip
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
