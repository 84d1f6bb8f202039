"""Predicting against its peers, in one run: one picture at a time, and a folder of photos.

    python benchmarks/predict.py PHOTOS [--count 60] [--photos 1000] [--rounds 3] [--trained ROOT] [--output FILE]

PHOTOS is a folder of real JPEGs. ROOT is a data root with trained models, by copies of which is told what fewer bits do
to answers. LiteRT gets an environment of its own, made with pip on the first run.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from peers.environment import machine, python_of
from upath import UPath

from cic_assets.domain.models import (
    FULL,
    PRECISIONS,
    AcceleratorSettings,
    Architecture,
    Calibration,
    Card,
    Changes,
    Measured,
    Measures,
    ModelSettings,
    QuantizedCard,
    Scores,
    fit_to_side,
    quantize,
    resolve_weights,
)
from cic_assets.domain.models.card import ARRAYS_FILE, GRAPH_FILE, Preprocessing, file_sha256
from cic_assets.domain.models.export import golden_pictures, write_export
from cic_assets.domain.prediction import Predictor, load_predictor, read_inputs
from cic_assets.storage import DataRoot, write_json

HERE = Path(__file__).resolve().parent
MODELS: tuple[Architecture, ...] = ("vgg", "peetz_net", "xception")
PEERS = {
    "ours": "exported, onnxruntime (ours)",
    "float16": "the same, weights in 16 bits (ours)",
    "int8": "the same in 8 bits (ours)",
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
answers = predict_sources(DataRoot(sys.argv[1]), sys.argv[4:], sys.argv[2], precision=sys.argv[3])
print(sum(one.label is not None for one in answers))
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


def make_fewer_bits(model: Path, pictures: Path) -> None:
    """The model in 16 and 8 bits, each in a folder of its own, with a card by which the predictor takes it."""
    from cic_assets.domain.models.quantization.eight_bits import write_8_bits
    from cic_assets.domain.models.quantization.half import write_half

    for precision in PRECISIONS:
        (model / precision).mkdir()
    write_half(model / GRAPH_FILE, model / "float16" / GRAPH_FILE, model / "float16" / ARRAYS_FILE)
    write_8_bits(model / GRAPH_FILE, model / "int8" / GRAPH_FILE, np.load(pictures))
    unknown = Measured(scores={}, bytes=0, milliseconds=0)
    for precision in PRECISIONS:
        files = {file.name: file_sha256(file) for file in (model / precision).iterdir()}
        card = QuantizedCard(
            precision=precision, made_from={name: file_sha256(model / name) for name in (GRAPH_FILE, ARRAYS_FILE)},
            sha256s=files, calibration_pictures=0, onnxruntime_version="", measured=unknown, full=unknown, changes={},
            calibration=Calibration(temperature=1.0, largest_doubts={}, pictures=0, units=0),
        )  # fmt: skip
        write_json(UPath(model / precision / "card.json"), card.model_dump(mode="json"))


def trained_table(root: DataRoot) -> str:
    """What fewer bits do to the answers of trained models, which are copied, and stay as they are."""
    lines = [
        "| | | right | log loss | another class | largest change | mean change | MB | processor ms |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for folder in sorted(path for path in root.models.iterdir() if (path / "card.json").exists()):
        with tempfile.TemporaryDirectory() as temporary:
            copy = shutil.copytree(str(folder), Path(temporary) / folder.name)
            cards = quantize(UPath(copy), root.dataset, PRECISIONS)
        nothing = Changes(labels=0, largest=0, mean=0)
        rows = [(FULL, cards[0].full, nothing)]
        rows += [(card.precision, card.measured, card.changes["test"]) for card in cards]
        for precision, measured, changes in rows:
            test = measured.scores["test"]
            lines.append(
                f"| {folder.name} | {precision} | {round(test.accuracy * test.count)} of {test.count} | "
                f"{test.loss:.4f} | {changes.labels} | {changes.largest:.4f} | {changes.mean:.4f} | "
                f"{measured.bytes / 1e6:.1f} | {measured.milliseconds:.1f} |"
            )
    return "\n".join(lines)


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
        for title, exported, precision in (
            ("exported (ours)", True, FULL),
            ("the same in 8 bits (ours)", True, "int8"),
            ("Keras, batches of 32", False, FULL),
        ):
            with tempfile.TemporaryDirectory() as temporary:
                seen = DataRoot(temporary)
                seen.models.mkdir()
                _link_model(root, seen, name, exported=exported)
                before, began = os.times(), time.perf_counter()
                peak = _peak_of(
                    [sys.executable, "-W", "ignore", "-c", FOLDER, temporary, name, precision, *map(str, photos)]
                )
                wall, after = time.perf_counter() - began, os.times()
            processor = sum(after[2:4]) - sum(before[2:4])
            lines.append(f"| {name} | {title} | {wall:.1f} | {processor:.1f} | {peak:.0f} |")
    return "\n".join(lines)


def _link_model(root: DataRoot, seen: DataRoot, name: str, *, exported: bool) -> None:
    folder, place = Path(str(root.model(name))), Path(str(seen.model(name)))
    place.mkdir()
    for file in folder.rglob("*"):
        if file.is_file() and file != folder / "card.json":
            target = place / file.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            os.link(file, target)
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
    parser.add_argument("--trained", type=DataRoot, help="data root with trained models")
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
            make_fewer_bits(Path(str(root.model(name))), pictures)
            tables.append(f"## {name}\n\n{table(Path(str(root.model(name))), pictures, arguments.rounds)}\n")
            print(tables[-1], flush=True)
        whole = folder_table(root, list(islice(cycle(photos), arguments.photos)))
    text = (HERE / "peers" / "predict.md").read_text(encoding="utf-8").format(
        command="python benchmarks/predict.py PHOTOS "
        f"--count {arguments.count} --photos {arguments.photos} --rounds {arguments.rounds}",
        date=time.strftime("%Y-%m-%d"), machine=machine(), count=arguments.count, photos=arguments.photos,
        tables="\n".join(tables), prepared=statistics.median(times), folder=whole,
        trained=trained_table(arguments.trained) if arguments.trained else "Not measured: no `--trained` was given.",
    )  # fmt: skip
    arguments.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
