"""Small random choices."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with a probability from 0 to 1."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, choices: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """One of some choices: all as likely, or by weights that sum to 1."""
    return choices[int(rng.choice(len(choices), p=weights))]
