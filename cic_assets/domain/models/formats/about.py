"""What lies beside a model in every format: `labels.txt`, `preprocessing.json`, `README.md`."""

from pathlib import Path
from typing import Any

from upath import UPath

from cic_assets.domain.models.card import Scores
from cic_assets.domain.models.formats.outgoing import OutgoingModel
from cic_assets.storage import write_json

LABELS_FILE, PREPROCESSING_FILE, README = "labels.txt", "preprocessing.json", "README.md"


def write_about(model: OutgoingModel, folder: Path, usage: str) -> None:
    """Write the three files; a README that is there already, with its metadata, comes before what we say.

    Args:
        model: what is told of.
        folder: where to.
        usage: Markdown: how it is loaded and asked.
    """
    (folder / LABELS_FILE).write_text("\n".join(model.card.labels) + "\n", encoding="utf-8")
    write_json(UPath(folder / PREPROCESSING_FILE), preprocessing(model))
    with (folder / README).open("a", encoding="utf-8") as readme:
        readme.write(_readme(model, usage))


def preprocessing(model: OutgoingModel) -> dict[str, Any]:
    """What is done to a picture, in numbers and in words, and what goes in and comes out."""
    how = model.card.preprocessing
    return {
        "side": how.side,
        "jpeg_quality": how.jpeg_quality,
        "input_size": how.input_size,
        "shrink": how.shrink,
        "enlarge": how.enlarge,
        "colour": how.colour,
        "dtype": "uint8",
        "layout": "NHWC",
        "shape": [None, how.input_size, how.input_size, 3],
        "labels": model.card.labels,
        "steps": _steps(model),
    }


def _steps(model: OutgoingModel) -> list[str]:
    how = model.card.preprocessing
    steps = _STEPS.format(side=how.side, size=how.input_size, quality=how.jpeg_quality).strip().split("\n\n")
    left_out = {3} if how.jpeg_quality is None else set()
    left_out |= {4} if how.input_size == how.side else set()
    return [" ".join(step.split()) for number, step in enumerate(steps) if number not in left_out]


_STEPS = """
Decode it to 8 bits a channel, turn it upright as its EXIF orientation says, lay what is transparent on white. Colour
profiles are not applied.

Resize it so that the shorter side has {side} pixels, and the longer one as many as keep the proportions, rounded: by
the mean over areas where it shrinks (OpenCV's INTER_AREA), by cubic interpolation where it grows (INTER_CUBIC).

Cut out the centre, {side} x {side} pixels, from row (height - {side}) // 2 and column (width - {side}) // 2.

Encode it as JPEG of quality {quality}, as OpenCV does unless told otherwise, and decode that: the pictures that the
model was trained on are kept so.

Resize it to {size} x {size} pixels, by the same rule.

Hand over bytes from 0 to 255, (N, {size}, {size}, 3), red first. Scaling them is part of the model.
"""


def _readme(model: OutgoingModel, usage: str) -> str:
    card = model.card
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(_steps(model), 1))
    labels = ", ".join(f"{number} {label}" for number, label in enumerate(card.labels))
    return _TEXT.format(
        name=card.name,
        data=model.data,
        warnings="".join(f"\n**{line}**\n" for line in _warnings(model)),
        architecture=card.architecture,
        variant=card.settings.variant,
        labels=labels,
        usage=usage.strip(),
        steps=steps,
        scores=_scores(model),
        licence=licence(model),
        data_version=card.data_version,
        keras=card.keras_version,
    )


def _warnings(model: OutgoingModel) -> list[str]:
    card = model.card
    found = []
    if card.random_weights:
        found.append("Its pretrained weights could not be had when it was trained, and it had to do without: no use.")
    if model.is_sample:
        found.append("It was trained on pictures that a program drew, to try things out with: no use for photographs.")
    if card.takedowns:
        found.append(card.takedowns.words)
    return found


def _scores(model: OutgoingModel) -> str:
    lines = ["| split | pictures | accuracy | cross-entropy |", "|---|---:|---:|---:|"]
    for split, scores in model.card.scores.items():
        lines.append(_row(split, scores))
    folds = model.card.folds
    if folds is None:
        return "\n".join(lines)
    note = f"In folds each picture was judged by one of {folds.count} networks, trained as this one but without it."
    return "\n".join([*lines, _row(f"all, in {folds.count} folds", folds.scores), "", note])


def _row(what: str, scores: Scores) -> str:
    return f"| {what} | {scores.count:,} | {scores.accuracy:.1%} | {scores.loss:.3f} |"


def licence(model: OutgoingModel) -> str:
    """Who may do what with the model and with the program beside it, as far as that is known, in Markdown."""
    if model.card.weights:
        begin = (
            "It began with Xception's ImageNet weights out of Keras, of which Keras' documentation says that they are "
            "released under the MIT license. What was trained on top of them, and the pictures for it, are another "
            "matter: "
        )
    else:
        begin = "All of its weights were trained, from none that others made: "
    return begin + _LICENCE.strip()


_LICENCE = """
whoever passes the model on says under which licence, and sees that those who made the pictures that it was trained on
allow it. This export grants no right to either.

`predict.py`, where it is here, is under the MIT License, (c) 2026 The cic_assets founders.
"""

_TEXT = """# {name}: {data}

Says of a picture which of these it shows, each with a probability: {labels}.
{warnings}
A network `{architecture}`, variant `{variant}`, exported by cic_assets. In go pictures as they are described below, any
number at once; out come probabilities in the order of the labels, which add up to 1.

## Load it

{usage}

## What is done to a picture before

{steps}

`preprocessing.json` says the same for programs, `labels.txt` has the labels, a line each. Three things cic_assets does
otherwise, which change pixels a little, and a probability by 0.05 at most where it was measured: it decodes a JPEG
whose shorter side is three times as long or longer at a half, a quarter or an eighth of its size, cuts the ends off
what is longer than 4:1, and takes a JPEG that it wrote like this itself as it is.

## How good it is

{scores}

Measured by cic_assets when it was trained, with Keras {keras}, on pictures of the same sources that it was not trained
on: copies, and pictures of the same post, are in one split. The best epoch was chosen by the validation pictures, so
the numbers of the test pictures are the honest ones. On pictures from elsewhere it may do worse. Data version
`{data_version}`.

## Licence

{licence}
"""
