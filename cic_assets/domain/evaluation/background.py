"""Pictures of other things, of the sources under `background`: how far each model finds them from what it learned."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from upath import UPath

from cic_assets.domain.images import CANNOT_BE_READ, decode
from cic_assets.domain.models import Card, Embeddings, fit_to_side, load_exported
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore, DataRoot

MOST_PICTURES = 300
"""That models are asked about: as many tell an AUROC of 0.97 to 0.01, and Xception takes half a minute for them."""


def pictures_of_other_things(
    root: DataRoot, keys: Collection[str], raw: pd.DataFrame, manifest: pd.DataFrame
) -> list[str]:
    """SHA-256 of resized pictures of some sources, evenly over each; none that is of a class.

    Args:
        root: the data root.
        keys: of the sources' partitions.
        raw: what was scraped of the classes, also what the data set leaves out.
        manifest: of the data set, which may keep what is scraped no more.
    """
    known = {*raw["sha256"], *manifest["sha256"]}
    chosen: list[str] = []
    for key in sorted(keys):
        table = root.read_table_or_none("resized_images", key)
        if table is not None:
            names = sorted(set(table["sha256"]) - known - set(chosen))
            places = np.linspace(0, len(names) - 1, min(len(names), MOST_PICTURES // len(keys))).round().astype(int)
            chosen += [names[place] for place in places]
    return chosen


def distances_of(
    pictures: Sequence[str], resized: ContentStore, folder: UPath, card: Card, embeddings: Embeddings | None
) -> list[float]:
    """How far pictures are from those that a model learned from; what cannot be read is left out.

    Args:
        pictures: SHA-256.
        resized: their copies.
        folder: of the model.
        card: of it.
        embeddings: of it; without them nothing is measured.
    """
    loaded = load_exported(folder, threads=1) if embeddings is not None and len(embeddings.references) else None
    if loaded is None or embeddings is None:
        return []
    model, side = loaded[0], card.preprocessing.input_size

    def measure(sha256: str) -> float | None:
        try:
            picture = decode(resized.get(sha256, "jpeg"))
        except CANNOT_BE_READ:
            return None
        _, (embedding,) = model.probabilities_and_embeddings(fit_to_side(picture[None], side))
        found = embeddings.nearest(embedding)
        return None if found is None else found.mean

    return [distance for distance in Threads().map(measure, pictures) if distance is not None]
