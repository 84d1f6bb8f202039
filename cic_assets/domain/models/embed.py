"""From a trained model and its data set to the embeddings of the pictures that it knows, and its reject rule."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.data import SPLITS, AnyImages, SplitName, TrainingData, fit_to_side
from cic_assets.domain.models.embeddings import MOST_JUDGED, MOST_REFERENCES, NEIGHBOURS, Embeddings, Neighbours, spread
from cic_assets.domain.models.export import ExportedModel
from cic_assets.domain.models.export.names import EMBEDDING
from cic_assets.domain.models.reject import RejectRule, set_rule
from cic_assets.engine import Threads

MOST_LEFT_OUT = 5000
"""Training pictures up to which each is compared with all others: seconds. Of more, validation has enough."""
VALIDATION = SPLITS.index("validation")

Vectors = NDArray[np.floating]


def embed(
    model_sha256: str,
    data: TrainingData,
    graph: Path,
    side: int,
    known: Mapping[SplitName, Vectors] | None = None,
    threads: int | None = None,
) -> tuple[Embeddings, RejectRule]:
    """What is kept of the pictures that a model knows.

    Args:
        model_sha256: of the model.
        data: its data set.
        graph: of the exported model, which is asked.
        side: that it takes, in pixels.
        known: embeddings of all pictures, by split, where training has them already: then nothing is asked.
        threads: that ask; one a core unless given.
    """
    chosen = {split: spread(data.splits[split].labels, _most(split)) for split in SPLITS}
    if known is None:
        ask = partial(embeddings_of, ExportedModel(graph, threads=1), side=side, threads=threads)
        vectors = [ask(data.splits[split].images, rows) for split, rows in chosen.items()]
    else:
        vectors = [known[split][rows] for split, rows in chosen.items()]
    pictures = [
        (list(data.rows_of(split)["sha256"].iloc[rows]), data.splits[split].labels[rows])
        for split, rows in chosen.items()
    ]
    embeddings = Embeddings.of(model_sha256, pictures, vectors)
    found: list[Neighbours | None] = list(embeddings.of_split(VALIDATION))
    units = data.units_of("validation")[chosen["validation"]]
    if known is not None and len(chosen["train"]) <= MOST_LEFT_OUT:
        # A frozen backbone has learned from none of them: what is left out of the references is as strange to it.
        of_training = data.units_of("train")[chosen["train"]]
        found, units = found + embeddings.of_training(of_training), np.concatenate([units, of_training])
    is_there = np.array([one is not None for one in found])
    rule = set_rule(
        np.array([one.mean for one in found if one is not None]),
        units[is_there],
        neighbours=min(NEIGHBOURS, len(chosen["train"])),
        references=len(chosen["train"]),
        of=len(data.splits["train"]),
    )
    return embeddings, rule


def embeddings_of(
    model: ExportedModel, images: AnyImages, rows: NDArray[np.int64], *, side: int, threads: int | None = None
) -> NDArray[np.float32]:
    """(N, F), what a model's last dense layer sees of some pictures, each on a thread."""

    def ask(row: int) -> NDArray[np.float32]:
        (embedding,) = model.run(fit_to_side(images[row : row + 1], side), [EMBEDDING])[0]
        return np.asarray(embedding)

    return np.stack(list(Threads(threads).map(ask, rows.tolist())))


def _most(split: SplitName) -> int:
    return MOST_REFERENCES if split == "train" else MOST_JUDGED
