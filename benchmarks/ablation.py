"""What `modern` is without each of its changes: the settings, the nets, and the table of what that gained or lost."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from cic_assets.evaluation import mcnemar_exact, wilson_interval

Change = Callable[[Any], Any]
"""From a Keras model, of pictures of one side, to another one with fresh weights."""

MODERN = "modern"
ONE_SIDE = "input size from the first epoch on"

LEFT_OUT: dict[str, dict[str, Any]] = {
    MODERN: {},
    "no crops (rotation, flip and colour stay)": {"augmentation": {"zoom": (1.0, 1.0)}},
    "colour as the original's": {
        "augmentation": {"brightness": (0.9, 1.1), "contrast": (1.0, 1.0), "saturation": (1.0, 1.0)}
    },
    "no squares of other pictures": {"cutmix": 0.0},
    "no label smoothing": {"label_smoothing": 0.0},
    "no weight decay": {"weight_decay": 0.0},
    "no averaging of weights": {"averaging": 0.0},
    "constant learning rate, no warm-up": {"schedule": "constant"},
    ONE_SIDE: {"progression": (1.0,)},
    "Adam in place of Muon": {"optimizer": "adam"},
}
"""What is otherwise than in `modern` from scratch, by its name in the table."""

LEFT_OUT_ON_A_TRUNK: dict[str, dict[str, Any]] = {
    MODERN: {},
    "head alone": {"head_epochs": 1000},
    "block 14 from the first epoch on": {"head_epochs": 0, "learning_rate": 3e-5},
    "one view of each picture": {"views": 1},
    "no label smoothing": {"label_smoothing": 0.0},
    "no averaging of weights": {"averaging": 0.0},
    "constant learning rate, no warm-up": {"schedule": "constant"},
}
"""The same for Xception."""


class OtherNet(NamedTuple):
    """A change that no setting makes.

    Attributes:
        settings: beside it.
        change: of the net.
        against: the row that lacks this change alone.
    """

    settings: dict[str, Any]
    change: Change
    against: str


def without_normalisation(model: Any) -> Any:
    """Convolutions with a bias, and nothing between them and ReLU."""
    import keras

    def other(layer: Any) -> Any:
        given = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):  # frozen as drawn it takes 0 off and divides by 1
            given |= {"trainable": False, "center": False, "scale": False, "epsilon": 0.0}
        return type(layer).from_config(given | ({"use_bias": True} if "use_bias" in given else {}))

    return keras.models.clone_model(model, clone_function=other)


def with_flatten(model: Any) -> Any:
    """All places of the last block's output to the head, in place of their mean."""
    import keras

    def other(layer: Any) -> Any:
        if isinstance(layer, keras.layers.GlobalAveragePooling2D):
            return keras.layers.Flatten(name=layer.name)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=other)


OTHER_NETS = {
    "no normalisation": OtherNet({"progression": (1.0,)}, without_normalisation, ONE_SIDE),
    "Flatten in place of the mean over all places": OtherNet({"progression": (1.0,)}, with_flatten, ONE_SIDE),
}
"""By their names in the table; these nets take pictures of one side."""


COLUMNS = (
    "model", "otherwise", "than", "side", "epochs", "seeds", "right", "accuracy", "interval", "loss", "gains", "loses",
    "p", "CPU s",
)  # fmt: skip


def table(records: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown: each change beside the row that differs from it in nothing else, on the same pictures."""
    every = pd.DataFrame([record for record in records if record["protocol"] == "ablation"])
    if every.empty:
        return
    yield "## Ablation"
    yield ""
    yield "Each row differs in one thing from the one that `than` names. Gains are pictures that it gets right and the"
    yield "other does not, losses the opposite, and p is that of McNemar's exact test on them. Another seed's pictures"
    yield "count as others, which makes p somewhat too small."
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    every["side"] = [settings["input_size"] for settings in every["settings"]]
    for (model, side, epochs, change), rows in every.groupby(["model", "side", "epochs", "change"], sort=False):
        alike = every[(every["model"] == model) & (every["side"] == side) & (every["epochs"] == epochs)]
        than = OTHER_NETS[change].against if change in OTHER_NETS else MODERN
        right, count = int(rows["right"].sum()), int(rows["count"].sum())
        interval = wilson_interval(right, count)
        cells = [
            model, change, "" if change == MODERN else than, side, epochs,
            ", ".join(map(str, sorted(rows["seed"].unique()))), f"{right} of {count}", f"{right / count:.1%}",
            f"{interval.low:.1%} to {interval.high:.1%}", f"{rows['loss'].mean():.3f}",
            *_beside(rows, alike[alike["change"] == than]),
            f"{rows['cpu_seconds'].mean():.0f}",
        ]  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def _beside(rows: pd.DataFrame, others: pd.DataFrame) -> list[str]:
    """Gains, losses and p over the seeds that both have."""
    seeds = {*rows["seed"]} & {*others["seed"]}
    ours, theirs = (_wrong(table[table["seed"].isin(seeds)]) for table in (rows, others))
    if ours == theirs:  # the same row
        return ["", "", ""]
    test = mcnemar_exact(*([name not in wrong for name in sorted(ours | theirs)] for wrong in (ours, theirs)))
    return [str(test.only_first), str(test.only_second), f"{test.p_value:.2g}"]


def _wrong(rows: pd.DataFrame) -> set[tuple[int, str]]:
    return {(seed, sha256) for seed, names in zip(rows["seed"], rows["wrong"], strict=True) for sha256 in names}
