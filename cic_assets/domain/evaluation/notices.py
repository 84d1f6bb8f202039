"""What a reader must know before any number, in plain words. No markup."""

from collections.abc import Mapping, Sequence

from cic_assets.domain.evaluation.contract import AnsweringPart, DatasetPart, ModelPart, Notice, ShortcutPart
from cic_assets.domain.evaluation.formats import interval, percent
from cic_assets.domain.evaluation.wording import has_learned, tells_apart


def notices(dataset: DatasetPart, models: Mapping[str, ModelPart]) -> list[Notice]:
    """What a reader must know before any number."""
    found = [_SAMPLE] if dataset.sample else []
    found += _shortcuts([one for one in dataset.shortcuts if one.is_shortcut])
    found += [_random_weights(model) for model in models.values() if model.random_weights]
    found += _not_above([model for model in models.values() if not model.above_majority])
    found += [
        Notice(kind="model", title=f"A warning from the training of {model.title}:", text=warning)
        for model in models.values()
        for warning in model.warnings
    ]
    found += [_answering(model, model.answering) for model in models.values() if model.answering]
    return found


_SAMPLE = Notice(
    kind="sample",
    title="These pictures are drawn.",
    text=(
        "The data set is the embedded sample: vehicles drawn by the program itself, so that everything can be tried "
        "without a network. The numbers show that all steps work. They say nothing about photographs."
    ),
)


def _answering(model: ModelPart, answering: AnsweringPart) -> Notice:
    decided = f" ({answering.by}, {answering.since[:10]})" if answering.by else ""
    return Notice(
        kind="champion",
        title=f"Version {answering.version} of {model.title} answers, which is not the one judged here.",
        text=(
            f"Judged is version {model.version}, the newest that was trained on this data set: of the other, some of "
            f"the pictures may be what it has learned from. It answers because of this{decided}: {answering.reason}."
        ),
    )


def _shortcuts(shortcuts: Sequence[ShortcutPart]) -> list[Notice]:
    if not shortcuts:
        return []
    names = dict.fromkeys(one.cue for one in shortcuts)
    best = shortcuts[0]
    return [
        Notice(
            kind="shortcut",
            title=f"A class can be told without a look at the subject, by {_and(list(names))}.",
            text=(
                f"{best.cue.capitalize()} alone orders {percent(best.auc, 0)} of the pairs of a {best.klass} and "
                f"another picture rightly. A model may have learned that instead: see “What gives the class away”."
            ),
        )
    ]


def taken_down(when: str) -> Notice:
    """What a report says from whose models' pictures some were taken down; `when` is ISO 8601."""
    return Notice(
        kind="taken_down",
        title="Pictures were taken down since.",
        text=(
            f"Since {when[:10]} they are not shown any more. Its models were trained and judged with them, and its "
            "numbers still count them; the next training, and the report after it, are without them."
        ),
    )


def _random_weights(model: ModelPart) -> Notice:
    return Notice(
        kind="random_weights",
        title=f"{model.title} started from random weights.",
        text=(
            "Its ImageNet weights were not to be had where this ran, and its frozen layers were never trained: its "
            "numbers say nothing about what it can do. Give the weights by CIC_XCEPTION_WEIGHTS and train it again."
        ),
    )


def _not_above(models: Sequence[ModelPart]) -> list[Notice]:
    if not models:
        return []
    found = ", ".join(f"{model.title} {interval(model.accuracy_ci)}" for model in models)
    learned = "".join(f" As to {model.title}, {tells_apart(model)}." for model in models if has_learned(model))
    return [
        Notice(
            kind="not_above_majority",
            title=f"Not shown to be better than always giving the same answer: {_listed(models)}.",
            text=(
                f"That answer would get {_baselines(models)}, and the 95 % interval is not above it ({found}).{learned}"
            ),
        )
    ]


def _baselines(models: Sequence[ModelPart]) -> str:
    """One number, but where models were judged on different pictures."""
    return " or ".join(dict.fromkeys(percent(model.majority_baseline) for model in models))


def _listed(models: Sequence[ModelPart]) -> str:
    return _and([model.title for model in models])


def _and(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
