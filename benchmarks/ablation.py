"""What `modern` is with one thing changed: the settings, the nets, and the table of what that gained or lost."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cic_assets.domain.evaluation import McNemar, mcnemar_exact, wilson_interval
from cic_assets.domain.evaluation.statistics import Interval, holm

Record = dict[str, Any]

Parts = dict[tuple[int, int], Record]
"""Trainings by seed and fold."""

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
    "squares of other pictures in every other batch": {"cutmix": 0.5},
    "no label smoothing": {"label_smoothing": 0.0},
    "weight decay": {"weight_decay": 0.05},
    "no EMA of the weights": {"ema": 0.0},
    "learning rate that falls to nothing": {"schedule": "cosine", "warmup_epochs": 3},
    ONE_SIDE: {"progressive_resizing": (1.0,)},
    "Adam in place of Muon": {"optimizer": "adam"},
}
"""What is otherwise than in `modern` from scratch, by its name in the table."""

LEFT_OUT_ON_A_BACKBONE: dict[str, dict[str, Any]] = {
    MODERN: {},
    "head alone": {"head_epochs": 1000},
    "block 14 from the first epoch on": {"head_epochs": 0, "learning_rate": 3e-5},
    "one view of each picture": {"views": 1},
    "label smoothing": {"label_smoothing": 0.1},
    "EMA of the weights": {"ema": 0.95},
    "constant learning rate, no warm-up": {"schedule": "constant"},
}
"""The same for Xception. Block 14 learns at its own low rate, so from the first epoch on the head does, too."""


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
        if isinstance(layer, keras.layers.BatchNormalization):  # frozen as drawn: minus 0, divided by 1
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
    "no normalisation": OtherNet({"progressive_resizing": (1.0,)}, without_normalisation, ONE_SIDE),
    "Flatten in place of the mean over all places": OtherNet({"progressive_resizing": (1.0,)}, with_flatten, ONE_SIDE),
}
"""By their names in the table; these nets take pictures of one side."""


COLUMNS = (
    "model", "otherwise", "than", "side", "epochs", "seeds", "right", "accuracy", "interval", "loss", "gains", "loses",
    "p", "Holm's p", "CPU s",
)  # fmt: skip


class Row(NamedTuple):
    """A change, as often as it was tried.

    Attributes:
        model: that was changed.
        change: its name.
        records: of its trainings.
        others: those of the row that differs from it in nothing else, on the same pictures.
    """

    model: str
    change: str
    records: list[Record]
    others: list[Record]

    def test(self) -> McNemar | None:
        """The two on the same photos; None for `modern`. One that several seeds judge is one: their answers' sum."""
        if self.change == MODERN:
            return None
        wrong, others_wrong = (
            Counter(sha256 for record in records for sha256 in record["wrong"])
            for records in (self.records, self.others)
        )
        differ = [sha256 for sha256 in wrong.keys() | others_wrong.keys() if wrong[sha256] != others_wrong[sha256]]
        better = [wrong[sha256] < others_wrong[sha256] for sha256 in differ]
        return mcnemar_exact(better, [not one for one in better])


def interval_of(records: list[Record]) -> Interval:
    """Wilson's, 95 %, of as many answers as there are different photos: several seeds' of one photo are no more."""
    right, count = (sum(record[name] for record in records) for name in ("right", "count"))
    photos = len({sha256 for record in records for sha256 in record["judged"]})
    return wilson_interval(round(right / count * photos), photos)


def table(records: list[Record]) -> Iterator[str]:
    """Markdown: each change beside the row that differs from it in nothing else, on the same pictures."""
    rows = list(_rows([record for record in records if record["protocol"] == "ablation"]))
    if not rows:
        return
    tests = [row.test() for row in rows]
    adjusted = iter(holm([test.p_value for test in tests if test]))
    yield "## Ablation"
    yield ""
    yield "Each row has one change beside the row that `than` names. Gains are pictures that it gets right and the"
    yield "other does not, losses the opposite; p is that of McNemar's exact test on them, Holm's allows for as many"
    yield "tests as there are rows. A photo that several seeds judged counts once. They tell the trained nets apart:"
    yield "how much the same settings differ when trained again is not in them."
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    for row, test in zip(rows, tests, strict=True):
        told = [test.only_first, test.only_second, f"{test.p_value:.2g}", f"{next(adjusted):.2g}"] if test else [""] * 4
        yield f"| {' | '.join(map(str, _cells(row, told)))} |"
    yield ""


def _rows(records: list[Record]) -> Iterator[Row]:
    """Every change of every set of settings, of the seeds that it and what it stands beside have whole."""
    for base in _bases(records):
        from_scratch = LEFT_OUT | {name: net.settings for name, net in OTHER_NETS.items()}
        changes = LEFT_OUT_ON_A_BACKBONE if base["model"] == "xception" else from_scratch
        of_change = {change: _with(records, base, change, what) for change, what in changes.items()}
        for change, found in of_change.items():
            others = of_change[_against(change)]
            seeds = _whole_seeds(found, of_change[MODERN]) & _whole_seeds(others, of_change[MODERN])
            if seeds:
                yield Row(base["model"], change, _of_seeds(found, seeds), _of_seeds(others, seeds))


def _against(change: str) -> str:
    return OTHER_NETS[change].against if change in OTHER_NETS else MODERN


def _whole_seeds(found: Parts, expected: Parts) -> set[int]:
    seeds = {seed for seed, _ in expected}
    return {seed for seed in seeds if {part for part in expected if part[0] == seed} <= set(found)}


def _of_seeds(found: Parts, seeds: set[int]) -> list[Record]:
    return [record for (seed, _), record in found.items() if seed in seeds]


def _bases(records: list[Record]) -> Iterator[Record]:
    """One record of `modern` for each model, precision and set of settings."""
    seen = []
    for record in records:
        key = (record["model"], record["precision"], record["settings"])
        if record["change"] == MODERN and key not in seen:
            seen.append(key)
            yield record


def _with(records: list[Record], base: Record, change: str, what: Mapping[str, Any]) -> Parts:
    """By seed and fold: the records of a change whose settings are the base's in all that it does not change."""

    def other(settings: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in settings.items() if name not in what}
        if "augmentation" in what:
            kept["augmentation"] = {k: v for k, v in settings["augmentation"].items() if k not in what["augmentation"]}
        return kept

    return {
        (record["seed"], record.get("fold", 0)): record
        for record in records
        if (record["model"], record["precision"], record["change"]) == (base["model"], base["precision"], change)
        and other(record["settings"]) == other(base["settings"])
    }


def _cells(row: Row, told: list[Any]) -> list[Any]:
    right, count = (sum(record[name] for record in row.records) for name in ("right", "count"))
    interval, trainings = interval_of(row.records), len(row.records)
    settings = row.records[0]["settings"]
    return [
        row.model, row.change, "" if row.change == MODERN else _against(row.change), settings["input_size"],
        settings["epochs"],
        ", ".join(map(str, sorted({record["seed"] for record in row.records}))), f"{right} of {count}",
        f"{right / count:.1%}", f"{interval.low:.1%} to {interval.high:.1%}",
        f"{sum(record['loss'] for record in row.records) / trainings:.3f}", *told,
        f"{sum(record['cpu_seconds'] for record in row.records) / trainings:.0f}",
    ]  # fmt: skip


def with_change(given: Mapping[str, Any], what: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with a change over them; of the augmentation, too, only what it names."""
    augmentation = {**given.get("augmentation", {}), **what.get("augmentation", {})}
    return {**given, **what, **({"augmentation": augmentation} if augmentation else {})}
