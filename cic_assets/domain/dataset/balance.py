"""How much each class counts in training."""

from collections.abc import Mapping


def class_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """Weights that make each class count the same: n / (k * n_c).

    The "balanced" heuristic of King and Zeng, "Logistic Regression in Rare Events Data" (2001), as scikit-learn
    has it. Weighted by these, the mean weight of a picture is 1.

    Args:
        counts: training pictures of each class, all above 0.

    Raises:
        ValueError: a class has no pictures.
    """
    empty = [name for name, count in counts.items() if count < 1]
    if empty:
        raise ValueError(f"no training pictures of {', '.join(empty)}: a class weight needs at least one")
    total = sum(counts.values())
    return {name: total / (len(counts) * count) for name, count in counts.items()}
