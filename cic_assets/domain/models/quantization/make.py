"""From an exported model to the same in fewer bits, with what that does to its answers."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.calibration import calibrate
from cic_assets.domain.models.card import (
    ARRAYS_FILE,
    CARD_FILE,
    GRAPH_FILE,
    PICTURES_FILE,
    Card,
    file_sha256,
    read_card,
    verified_files,
)
from cic_assets.domain.models.data import (
    AnyImages,
    Images,
    SplitName,
    SplitPictures,
    TrainingData,
    fit_to_side,
    is_learned,
    load_training_data,
    some,
)
from cic_assets.domain.models.embed import embeddings_of
from cic_assets.domain.models.embeddings import MOST_JUDGED, Embeddings, load_embeddings, spread
from cic_assets.domain.models.errors import ModelError
from cic_assets.domain.models.export import ExportedModel
from cic_assets.domain.models.losses import scores
from cic_assets.domain.models.quantization.card import Changes, Measured, Precision, QuantizedCard
from cic_assets.domain.models.quantization.eight_bits import write_8_bits
from cic_assets.domain.models.quantization.files import remove_quantized, source_of
from cic_assets.domain.models.quantization.half import write_half
from cic_assets.domain.models.reject import RejectRule, set_rule
from cic_assets.engine import Threads
from cic_assets.storage import local_directory, write_json

CALIBRATION_PICTURES = 100
"""Of the training split, evenly over it; more changed nothing worth their time."""
TIMED_PICTURES = 30
_WARM = 3
"""Pictures before those that are timed."""

JUDGED: tuple[SplitName, ...] = ("validation", "test")

Answers = Mapping[SplitName, NDArray[np.float64]]


def quantize(
    folder: UPath,
    dataset: UPath,
    precisions: Sequence[Precision],
    on_line: Callable[[str], None] = lambda _line: None,
    *,
    of_before: bool = False,
) -> list[QuantizedCard]:
    """Make the model in a folder in each of some precisions, each in a folder of its own in it; others are removed.

    Nothing of a picture stays in them but how far numbers go.

    Args:
        folder: of the model.
        dataset: folder of the data set that it was trained on.
        precisions: which.
        on_line: takes a line for each that is made.
        of_before: the model may know a data set of before, and is judged by what of this one it has not learned from.

    Raises:
        ModelError: the model is missing, was never exported, or knows another data set; the message says what to do.
    """
    card, data = read_card(folder), load_training_data(dataset)
    if (source := source_of(card)) is None:
        raise ModelError(f"{card.name} was trained before models were exported: train it again, with `cic run`")
    if card.data_version != data.version:
        # Its accuracy would be of pictures that it may have been trained on.
        data = _new_to_it(folder, card, data, of_before=of_before)
    side, known = card.preprocessing.input_size, load_embeddings(folder, card)
    with verified_files(folder, source) as local:
        judged = {split: fit_to_side(data.splits[split].images, side) for split in JUDGED}
        full = ExportedModel(local / GRAPH_FILE, threads=1)
        expected = _answers(full, judged)
        remove_quantized(folder, but=precisions)
        cards = []
        for precision in precisions:
            with local_directory(folder / precision, last=CARD_FILE) as new:
                calibrated = _write(precision, local / GRAPH_FILE, new, data, side)
                files = sorted(new.iterdir())
                model = ExportedModel(new / GRAPH_FILE, threads=1)
                answers, times = _answers(model, judged), _times([full, model], judged["test"])
                made = QuantizedCard(
                    precision=precision,
                    made_from=source,
                    sha256s={file.name: file_sha256(file) for file in files},
                    calibration_pictures=calibrated,
                    onnxruntime_version=_onnxruntime_version(),
                    full=_measured(expected, data, [local / name for name in source], times[0]),
                    measured=_measured(answers, data, files, times[1]),
                    changes={split: _changes(expected[split], answers[split]) for split in JUDGED},
                    calibration=calibrate(data, answers["validation"]),
                    reject=_rule(model, data, side, card.reject, known),
                )
                write_json(UPath(new / CARD_FILE), made.model_dump(mode="json"))
            cards.append(made)
            on_line(_line(card.name, made))
    return cards


def _new_to_it(folder: UPath, card: Card, data: TrainingData, *, of_before: bool) -> TrainingData:
    """A data set whose judged splits have those pictures alone that a model of before may be judged by."""
    import pandas as pd

    again = f"{card.name} knows another data set than there is now"
    if not of_before or card.labels != data.classes or not (folder / PICTURES_FILE).exists():
        raise ModelError(f"{again}: train it first, with `cic run`")
    with (folder / PICTURES_FILE).open("rb") as file:
        seen = pd.read_parquet(file)
    splits, manifest = dict(data.splits), data.manifest
    for split in JUDGED:
        rows = data.rows_of(split)
        learned = is_learned(data.manifest, seen, split)[rows.index]
        if learned.all():
            raise ModelError(f"{again}, and has learned from all of its {split} pictures: train it, with `cic run`")
        left = np.flatnonzero(~learned)
        splits[split] = SplitPictures(some(splits[split].images, left), splits[split].labels[left])
        manifest = manifest.drop(index=rows.index[learned])
    return replace(data, splits=splits, manifest=manifest)


def _write(precision: Precision, source: Path, folder: Path, data: TrainingData, side: int) -> int:
    """Write the files of a precision; how many pictures told its ranges."""
    if precision == "float16":
        write_half(source, folder / GRAPH_FILE, folder / ARRAYS_FILE)
        return 0
    train = data.splits["train"].images
    count = min(CALIBRATION_PICTURES, len(train))
    rows = np.linspace(0, len(train) - 1, count).round().astype(int)
    write_8_bits(source, folder / GRAPH_FILE, fit_to_side(train[rows], side))
    return count


def _answers(model: ExportedModel, judged: Mapping[SplitName, AnyImages]) -> Answers:
    def ask(picture: Images) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = model.probabilities(picture[None])[0]
        return answer

    return {
        split: np.stack(list(Threads().map(ask, pictures))).astype(np.float64) for split, pictures in judged.items()
    }


def _rule(
    model: ExportedModel, data: TrainingData, side: int, full: RejectRule | None, known: Embeddings | None
) -> RejectRule | None:
    """Its own embeddings lie a little farther from those that the model in full made of the training pictures."""
    if full is None or known is None or not len(known.references):
        return None
    validation = data.splits["validation"]
    rows = spread(validation.labels, MOST_JUDGED)
    found = [known.nearest(one) for one in embeddings_of(model, validation.images, rows, side=side)]
    return set_rule(
        np.array([one.mean for one in found if one is not None]),
        data.units_of("validation")[rows],
        neighbours=full.neighbours,
        references=full.references,
        of=full.of,
    )


def _times(models: Sequence[ExportedModel], pictures: AnyImages) -> list[float]:
    """Milliseconds of a processor that each model takes for one picture, the median; they take turns."""
    taken: list[list[float]] = [[] for _ in models]
    for i in range(_WARM + TIMED_PICTURES):
        for model, times in zip(models, taken, strict=True):
            picture = pictures[i % len(pictures)][None]
            began = time.thread_time()
            model.probabilities(picture)
            times.append(1e3 * (time.thread_time() - began))
    return [float(np.median(times[_WARM:])) for times in taken]


def _measured(answers: Answers, data: TrainingData, files: Sequence[Path], milliseconds: float) -> Measured:
    return Measured(
        scores={str(split): scores(given, data.splits[split].labels) for split, given in answers.items()},
        bytes=sum(file.stat().st_size for file in files),
        milliseconds=milliseconds,
    )


def _changes(before: NDArray[np.float64], after: NDArray[np.float64]) -> Changes:
    moved = np.abs(after - before)
    return Changes(
        labels=int((after.argmax(axis=1) != before.argmax(axis=1)).sum()),
        largest=float(moved.max()),
        mean=float(moved.mean()),
    )


def _line(name: str, card: QuantizedCard) -> str:
    test, before, changes = card.measured.scores["test"], card.full.scores["test"], card.changes["test"]
    return (
        f"{name} in {card.precision}: {test.accuracy:.1%} of {test.count} test pictures right, {before.accuracy:.1%} "
        f"before, {changes.labels} with another class, a probability by {changes.largest:.3f} at most; "
        f"{card.measured.bytes / 1e6:.1f} of {card.full.bytes / 1e6:.1f} MB, "
        f"{card.measured.milliseconds:.1f} of {card.full.milliseconds:.1f} ms a picture"
    )


def _onnxruntime_version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)
