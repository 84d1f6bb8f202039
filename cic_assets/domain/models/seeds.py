"""A training once more with other seeds, judged on the same pictures. Imported only for training."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.card import Seeds
from cic_assets.domain.models.events import Event, Message, OnEvent, Progress
from cic_assets.domain.models.folds import Division, FoldOutputs, labels_of
from cic_assets.domain.models.losses import scores
from cic_assets.domain.models.out_of_fold import Recipe, answer_in_folds

Probabilities = NDArray[np.float64]

_HIGHEST_SEED = 2**31


def train_with_seeds(
    recipe: Recipe,
    divisions: Sequence[Division],
    own: Sequence[Probabilities],
    folder: Path,
    key: str,
    on_event: OnEvent,
) -> Seeds:
    """Train with as many seeds as the settings want, and compare what each says.

    Args:
        recipe: how the model itself was trained.
        divisions: what each seed is trained on, and judged on: the folds, or the data set's own splits alone.
        own: what the model itself, or its network of each fold, says of each division's test pictures.
        folder: for what is done, and for the state of what is not.
        key: differs where something else would come out.
        on_event: takes progress, and a message a seed.
    """
    labels = labels_of(recipe.data)[np.concatenate([one.test for one in divisions])]
    settings, of_seeds, others = recipe.settings, [np.concatenate(own)], list[FoldOutputs]()
    seeds = [(settings.seed + number) % _HIGHEST_SEED for number in range(settings.seed_count)]
    for number, seed in enumerate(seeds[1:], 1):
        of_seed = replace(recipe, settings=settings.model_copy(update={"seed": seed}))
        tell = _progress_over(number - 1, len(seeds) - 1, on_event)
        outputs = answer_in_folds(of_seed, divisions, folder / str(seed), f"{key}-{seed}", tell)
        others += outputs
        of_seeds.append(np.concatenate([one.test for one in outputs]))
        right = int((of_seeds[-1].argmax(axis=1) == labels).sum())
        on_event(Message(text=f"seed {number + 1} of {len(seeds)}, as the first: {right:,} of {len(labels):,} right"))
    answers = np.stack([given.argmax(axis=1) for given in of_seeds])
    return Seeds(
        seeds=seeds,
        where="folds" if len(divisions) > 1 else "test",
        scores=[scores(given, labels) for given in of_seeds],
        changed=int((answers != answers[0]).any(axis=0).sum()),
        wall_seconds=sum(one.wall_seconds for one in others),
        cpu_seconds=sum(one.cpu_seconds for one in others),
    )


def _progress_over(number: int, count: int, on_event: OnEvent) -> Callable[[Event], None]:
    """Tells how far all seeds are, and nothing of the folds of each."""

    def tell(event: Event) -> None:
        if isinstance(event, Progress):
            on_event(event.within("seeds", number, count) if event.stage == "folds" else event)

    return tell
