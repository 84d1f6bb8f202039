"""Where the pictures that a model knows lie in its embedding: how far any picture is from those that it learned from.

The embedding is what the last dense layer sees. Of each picture its direction is kept, in the few dimensions in which
the training pictures differ most (principal components), with how long the rest of it is: a picture that lies elsewhere
has a long rest. Nearest neighbours tell better what is strange than class probabilities do (Y. Sun et al., "Out-of-
distribution detection with deep nearest neighbors", ICML 2022; benchmarks/results/reject.md). Plain numpy, so that the
predictor loads nothing more.
"""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.card import Card
from cic_assets.domain.models.errors import CardMismatchError
from cic_assets.storage import write_atomically

EMBEDDINGS_FILE = "embeddings.npz"

NEIGHBOURS = 5
"""Nearest training pictures whose mean distance counts."""
DIMENSIONS = 128
"""Of what is kept of an embedding: 20,000 pictures take 6 MB, and a millisecond to compare with."""
MOST_REFERENCES = 20_000
"""Training pictures that are kept; of more, as many of each class."""
MOST_JUDGED = 2000
"""Validation and test pictures each."""

_FITTED = 2000
"""Pictures that the principal components are of."""
_SMALLEST_VARIANCE = 1e-9

Floats = NDArray[np.float32]


class Neighbours(NamedTuple):
    """The training pictures nearest to a picture.

    Attributes:
        rows: of them in `Embeddings`, the nearest first.
        distances: their cosine distances: 0 the same, 1 nothing in common.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """What tells a strange picture from others."""
        return float(self.distances.mean())


@dataclass(frozen=True)
class Embeddings:
    """Of the pictures that a model was trained on, and of some that it is judged by.

    Attributes:
        model_sha256: of the model whose they are.
        sha256s: (N,) of the pictures, as bytes.
        labels: (N,) of their classes.
        splits: (N,) 0 of train, 1 of validation, 2 of test.
        centre: (F,), the mean direction of the training pictures.
        components: (F, D), orthonormal.
        points: (N, D), in half precision.
        rests: (N,), squared lengths of what the components leave out.
    """

    model_sha256: str
    sha256s: NDArray[np.bytes_]
    labels: NDArray[np.int32]
    splits: NDArray[np.int8]
    centre: Floats
    components: Floats
    points: NDArray[np.float16]
    rests: Floats

    @classmethod
    def of(
        cls,
        model_sha256: str,
        pictures: Sequence[tuple[Sequence[str], NDArray[np.integer]]],
        embeddings: Sequence[NDArray[np.floating]],
    ) -> Self:
        """Keep what is kept of embeddings.

        Args:
            model_sha256: of the model whose they are.
            pictures: for train, validation and test: names and labels.
            embeddings: for the same: (N, F).
        """
        learned = _directions(embeddings[0])
        centre, components = _principal(learned)
        parts = [_projected(_directions(part) - centre, components) for part in embeddings]
        return cls(
            model_sha256=model_sha256,
            sha256s=np.array([name for names, _ in pictures for name in names], np.bytes_),
            labels=np.concatenate([labels for _, labels in pictures]).astype(np.int32),
            splits=np.repeat(np.arange(3, dtype=np.int8), [len(names) for names, _ in pictures]),
            centre=centre,
            components=components,
            points=np.concatenate([points for points, _ in parts]).astype(np.float16),
            rests=np.concatenate([rests for _, rests in parts]),
        )

    def nearest(self, embedding: NDArray[np.floating]) -> Neighbours | None:
        """The training pictures nearest to a picture whose embedding (F,) is given; None where all are gone."""
        centred = _directions(embedding[None])[0] - self.centre
        # einsum and not BLAS, which may sum in another order on another thread: every door says the same to the bit.
        point = np.einsum("f,fd->d", centred, self.components)
        return self._nearest(point, max(float(np.einsum("f,f->", centred, centred) - point @ point), 0.0))

    def of_split(self, split: int) -> list[Neighbours]:
        """The nearest training pictures of each picture of a split that has no part in training, in their order."""
        rows = np.flatnonzero(self.splits == split)
        found = (self._nearest(self.points[row].astype(np.float32), float(self.rests[row])) for row in rows)
        return [one for one in found if one is not None]

    def of_training(self, units: NDArray[np.str_]) -> list[Neighbours | None]:
        """The nearest of each training picture among those of other units; None where there are no others.

        Args:
            units: (N,) what each training picture is in.
        """
        return [
            self._nearest(self.points[row].astype(np.float32), float(self.rests[row]), units != unit)
            for row, unit in zip(self.references, units, strict=True)
        ]

    def names(self, split: int) -> list[str]:
        """SHA-256 of the pictures of a split, in the order of `of_split`."""
        return [name.decode() for name in self.sha256s[self.splits == split]]

    def name(self, row: int) -> str:
        """SHA-256 of a picture."""
        return bytes(self.sha256s[row]).decode()

    def without(self, gone: Collection[str]) -> Self:
        """The same, but for some pictures. The components are of all, and of none in particular."""
        stays = ~np.isin(self.sha256s, np.array(sorted(gone), np.bytes_))
        by_row = {name: getattr(self, name)[stays] for name in ("sha256s", "labels", "splits", "points", "rests")}
        return replace(self, **by_row)

    @cached_property
    def references(self) -> NDArray[np.int64]:
        """Rows of the training pictures."""
        return np.flatnonzero(self.splits == 0)

    @cached_property
    def _compared(self) -> tuple[Floats, Floats]:
        points = self.points[self.references].astype(np.float32)
        return points, np.einsum("nd,nd->n", points, points) + self.rests[self.references]

    def _nearest(self, point: Floats, rest: float, among: NDArray[np.bool_] | None = None) -> Neighbours | None:
        points, lengths = self._compared
        count = min(NEIGHBOURS, len(points) if among is None else int(among.sum()))
        if not count:
            return None
        # Of two directions 1 - cosine is half the squared distance. Their rests are taken for unlike.
        squared = lengths - 2 * np.einsum("nd,d->n", points, point)
        if among is not None:
            squared[~among] = np.inf
        rows = np.argpartition(squared, count - 1)[:count]
        rows = rows[np.lexsort((rows, squared[rows]))]
        distances = (squared[rows].astype(np.float64) + float(point @ point) + rest) / 2
        return Neighbours(self.references[rows], np.maximum(distances, 0))


def save_embeddings(path: UPath, embeddings: Embeddings) -> None:
    """Write them, whole or not at all."""
    arrays = {field.name: np.asarray(getattr(embeddings, field.name)) for field in fields(embeddings)}
    with io.BytesIO() as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # names are no flags
        write_atomically(path, file.getvalue())


def read_embeddings(folder: UPath) -> Embeddings:
    """Those in the folder of a model, of whatever model they are.

    Raises:
        FileNotFoundError: there are none.
        CardMismatchError: the file is damaged.
    """
    path = folder / EMBEDDINGS_FILE
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: train the model again")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            read = {field.name: arrays[field.name] for field in fields(Embeddings)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CardMismatchError(f"{path} cannot be read ({error}): train the model again") from None
    return Embeddings(**{**read, "model_sha256": str(read["model_sha256"])})


def load_embeddings(folder: UPath, card: Card) -> Embeddings | None:
    """Those of the model in a folder; None where it has none, as before there were any.

    Raises:
        FileNotFoundError: there are none any more.
        CardMismatchError: they are of another model.
    """
    if card.reject is None:
        return None
    embeddings = read_embeddings(folder)
    if embeddings.model_sha256 != card.sha256:
        raise CardMismatchError(f"{folder / EMBEDDINGS_FILE} is of another model: train the model again")
    return embeddings


def spread(labels: NDArray[np.integer], most: int) -> NDArray[np.int64]:
    """Rows of at most so many pictures, in their order: as many of each class, evenly over it; of a small one all."""
    rows_of = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    left, chosen = most, []
    for place, rows in enumerate(sorted(rows_of, key=len)):
        count = min(len(rows), left // (len(rows_of) - place))
        chosen.append(rows[np.linspace(0, len(rows) - 1, count).round().astype(int)] if count else rows[:0])
        left -= count
    return np.sort(np.concatenate(chosen))


def _directions(embeddings: NDArray[np.floating]) -> Floats:
    vectors = np.asarray(embeddings, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def _principal(directions: Floats) -> tuple[Floats, Floats]:
    """Their mean, and an orthonormal base (F, D) of the space in which they differ most."""
    centre = np.asarray(directions.mean(axis=0), np.float32)
    count = min(len(directions), _FITTED)
    sample = directions[np.linspace(0, len(directions) - 1, count).round().astype(int)] - centre
    # Whichever is smaller has the same variances: pictures by pictures, or features by features.
    wide = sample.shape[1] > count
    variances, vectors = np.linalg.eigh((sample @ sample.T if wide else sample.T @ sample).astype(np.float64))
    kept = [place for place in np.argsort(-variances)[:DIMENSIONS] if variances[place] > _SMALLEST_VARIANCE]
    base = vectors[:, kept]
    if wide:
        base = sample.T.astype(np.float64) @ base / np.sqrt(variances[kept])
    return centre, np.asarray(base, np.float32)


def _projected(centred: Floats, components: Floats) -> tuple[Floats, Floats]:
    """(N, D) points, and the squared length of the rest of each (N,)."""
    points = centred @ components
    rests = np.einsum("nf,nf->n", centred, centred) - np.einsum("nd,nd->n", points, points)
    return points, np.asarray(np.maximum(rests, 0), np.float32)
