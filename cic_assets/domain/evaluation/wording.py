"""What the numbers say in plain words. No markup."""

import math
from collections.abc import Iterable, Mapping, Sequence

from cic_assets.domain.dataset import ADVICE, SHORTCUT_AUC
from cic_assets.domain.evaluation.contract import (
    Answer,
    CalibrationError,
    CalibrationPart,
    ComparisonPart,
    DatasetPart,
    ModelPart,
    PlausiblePart,
    ShortcutPart,
    SlicePart,
    SourcePart,
)
from cic_assets.domain.evaluation.formats import UNKNOWN, count_of, interval, p_value, percent
from cic_assets.domain.evaluation.judging import hang_together, in_folds, judged
from cic_assets.domain.media import Outcome
from cic_assets.domain.models import deciding_losses

_ROUNDING = 1e-9
SIGNIFICANT = 0.05
"""Adjusted p-value below which two models are said to differ."""


def answer(best: str, models: Mapping[str, ModelPart], dataset: DatasetPart) -> Answer:
    """The best model, and how sure one may be of it."""
    model = models[best]
    statements = {
        "What it got": _what_it_got(model),
        "How sure that is": _how_sure(model),
        "Against guessing": _against_majority(model, dataset),
        "How it was chosen": _how_it_was_chosen(model, models),
    }
    return Answer(
        model=best,
        accuracy=model.accuracy,
        accuracy_ci=model.accuracy_ci,
        right=model.right,
        n=model.n,
        above_majority=model.above_majority,
        statements=statements,
        text=" ".join(statements.values()),
    )


def _what_it_got(model: ModelPart) -> str:
    got = f"{model.title} named {model.right:,} of {judged(model)} rightly"
    if not in_folds(model):
        return f"{got}; it was neither trained on them nor chosen by them."
    return (
        f"{got}, each by a copy of it that was trained in the same way without that picture and all that belongs to it."
    )


def _how_sure(model: ModelPart) -> str:
    low, high = model.accuracy_ci
    half = 50 * (high - low)
    return (
        f"On endlessly many pictures of the same kind it may well get {interval((low, high))} right (95 % interval, "
        f"about ±{half:.1f} points; four times as many pictures would halve it).{_further(model)}{hang_together(model)}"
    )


def _further(model: ModelPart) -> str:
    """Of the next pictures, as whole numbers: these scatter on top of what is not known of the model."""
    if not model.further:
        return ""
    part = model.further[0]
    low, high = (edge * part.pictures for edge in part.accuracy_ci)
    least, most = math.ceil(low - _ROUNDING), math.floor(high + _ROUNDING)
    return f" Of the next {part.pictures} like them it will name {least} to {most} rightly, 19 times of 20."


def has_learned(model: ModelPart) -> bool:
    """Whether the pictures show that its answers go with what is on them."""
    return model.above_majority or (model.independence_p is not None and model.independence_p < SIGNIFICANT)


def _against_majority(model: ModelPart, dataset: DatasetPart) -> str:
    support = {klass: score.support for klass, score in model.per_class.items()}
    most = max(dataset.classes, key=lambda klass: support[klass])
    always = f"Always answering “{most}” would get {percent(model.majority_baseline)}"
    if model.above_majority:
        return f"{always}, which is below that interval: the model has learned to tell them apart."
    if has_learned(model):
        return f"{always}, which is not below that interval. All the same {tells_apart(model)}."
    return f"{always}, which is not below that interval: these pictures do not show that it learned anything."


def tells_apart(model: ModelPart) -> str:
    """Why a model that is not above guessing has learned something, as a clause."""
    return (
        f"it tells the classes apart: on average it finds {percent(model.balanced_accuracy)} of a class, and answers "
        f"given without a look would hardly ever go with the truth so well (p {_equals(model.independence_p)})"
    )


def _equals(p: float | None) -> str:
    text = UNKNOWN if p is None else p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _how_it_was_chosen(model: ModelPart, models: Mapping[str, ModelPart]) -> str:
    if len(models) == 1:
        return f"It is the only model ({percent(model.validation_accuracy)} on the validation pictures)."
    known = list(models.values())
    losses = deciding_losses([(one.validation_loss, one.validation_calibrated_loss) for one in known])
    lowest = losses[known.index(model)]
    rivals = [other for other, loss in zip(known, losses, strict=True) if other is not model and loss <= lowest]
    equal = [other for other in rivals if other.random_weights == model.random_weights]
    tie = f" {_titles(equal)} came to the same loss: accuracy decided, then the name." if equal else ""
    flattered = " Its epoch was chosen by them too, which flatters it a little." if _is_flattered(model) else ""
    return (
        f"Of {len(models)} models it is the best by its {model.validation_n:,} validation pictures: the lowest loss "
        f"({lowest:.3g}), {percent(model.validation_accuracy)} right."
        f"{_more_right(model, models, rivals)}{tie}{_passed_over(rivals, equal)}{flattered}"
    )


def _is_flattered(model: ModelPart) -> bool:
    """Whether validation chose among its epochs; models that keep their last one are compared with it."""
    return model.best_epoch != model.epochs


def _more_right(model: ModelPart, models: Mapping[str, ModelPart], rivals: Sequence[ModelPart]) -> str:
    """Who counts right answers alone would have chosen another one."""
    more = [
        other
        for other in models.values()
        if other not in rivals and other.validation_accuracy > model.validation_accuracy
    ]
    if not more:
        return ""
    rates = " and ".join(percent(other.validation_accuracy) for other in more)
    return f" {_titles(more)} had more right ({rates}) and a higher loss, which counts how sure each answer was."


def _passed_over(rivals: Sequence[ModelPart], equal: Sequence[ModelPart]) -> str:
    """Models with random weights were only ever a demonstration, however well they did."""
    passed = [other for other in rivals if other not in equal]
    return f" {_titles(passed)} did no worse, but had to do without pretrained weights." if passed else ""


def _titles(models: Iterable[ModelPart]) -> str:
    return " and ".join(model.title for model in models)


def comparison(pair: ComparisonPart, models: Mapping[str, ModelPart]) -> str:
    """What the pictures say of two models, in one sentence."""
    first, second = models[pair.first].title, models[pair.second].title
    if pair.p_value_adjusted >= SIGNIFICANT:
        return f"These pictures do not decide between {first} and {second}."
    better, worse = (first, second) if pair.only_first > pair.only_second else (second, first)
    return f"{better} is better than {worse}."


def calibration(model: ModelPart) -> str:
    """Whether a model's probabilities can be taken at their word."""
    part = model.calibration
    if part is None:
        return ""
    return (
        f"On average it is {percent(part.before.mean_confidence)} sure and {percent(model.accuracy)} right: "
        f"{_verdict(model.accuracy, part.before)}. {_temperature(part)} that {percent(part.after.mean_confidence)}, "
        f"and of a log loss of {part.before.log_loss:.3f} one of {part.after.log_loss:.3f}."
    )


def _temperature(part: CalibrationPart) -> str:
    own = f"A temperature of {part.temperature:.2f}, set by {count_of(part.set_by, 'validation picture')}"
    if not part.of_folds:
        return f"{own}, makes"
    low, high = min(part.of_folds), max(part.of_folds)
    return f"{own}, is the model's own. In folds those of {low:.2f} to {high:.2f}, set by other pictures in each, make"


def _verdict(accuracy: float, seen: CalibrationError) -> str:
    if seen.gap_p >= SIGNIFICANT:
        return "as sure as it is right, within chance"
    return "too sure" if seen.mean_confidence > accuracy else "too modest"


REJECT = (
    "Whatever a picture shows, a classifier names one of its classes. So it says beside its answer where a picture "
    "lies farther from its nearest training pictures than nearly all others of the classes do: probably it is none of "
    "these. What sets the rule are validation pictures, and for a frozen backbone, which learns from none, training "
    "pictures too, each compared with those of other units. At most 5 of 100 pictures of the classes should be "
    "refused. How many of other things are is measured on the sources under background in the problem file, which "
    "have no part in anything else."
)


def is_beyond_chance(seen: CalibrationError) -> bool:
    """Whether a calibration error is more than a perfectly calibrated model would show."""
    return seen.error > seen.if_calibrated_highest


def holds(part: PlausiblePart) -> bool:
    """Whether sets hold the truth as often as they are to, within chance."""
    return part.coverage_ci[0] <= part.level <= part.coverage_ci[1]


WORTH = (
    "The calibration error is the mean gap between how sure the model is and how often it is right. On few pictures "
    "no model shows 0: beside it stands what a perfectly calibrated one would show, in the middle and at most (95 of "
    "100 times). Put right are probabilities by the temperature. Sets are of the classes that are plausible then: how "
    "often they held the truth, and how many classes they have on average."
)
"""What the table of calibration and sets is."""


def most_confused(model: ModelPart, classes: Sequence[str], most: int = 10) -> list[str]:
    """The pairs of classes that are taken for one another most often, such as `7 of 40 van said to be car`."""
    pairs = [
        (count, truth, said)
        for truth, row in zip(classes, model.confusion, strict=True)
        for said, count in zip(classes, row, strict=True)
        if count and said != truth
    ]
    worst = sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:most]
    return [
        f"{count:,} of {model.per_class[truth].support:,} {truth} said to be {said}" for count, truth, said in worst
    ]


def where_it_fails(model: ModelPart, dataset: DatasetPart) -> list[str]:
    """The slices that differ from the rest beyond chance, a sentence each; or that none does."""
    found = [part for part in model.slices if part.p_value_adjusted < SIGNIFICANT]
    if not found:
        return [f"Of {count_of(len(model.slices), 'slice')} none differs from the rest beyond chance."]
    return [
        f"{_sentence(slice_name(part, dataset))}: {percent(part.accuracy)} right, {percent(part.accuracy_of_rest)} of "
        f"the rest (p {_equals(part.p_value_adjusted)})."
        for part in found
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def slice_name(part: SlicePart, dataset: DatasetPart) -> str:
    """Such as `sharpness above 400`, `source r/carporn`."""
    source = dataset.sources.get(part.value) if part.by == "source" else None
    return f"{part.by} {source.label if source else part.value}"


def looked_at(dataset: DatasetPart) -> str:
    """What the sources offer: `posts`, `files`, `posts and files`."""
    return " and ".join(dict.fromkeys(_OFFERED.get(_kind(source), "posts") for source in dataset.sources.values()))


def by_hand(dataset: DatasetPart) -> str:
    """What a person changed about the classes of pictures; empty where nobody did."""
    relabelled = sum(source.relabelled for source in dataset.sources.values())
    left_out = sum(source.left_out_by_hand for source in dataset.sources.values())
    said = [f"{count_of(relabelled, 'picture')} of another class than their source's"] if relabelled else []
    said += [f"{count_of(left_out, 'picture')} left out as of no class"] if left_out else []
    return f"By hand: {' and '.join(said)} (overrides.yaml)." if said else ""


def when_posted(dataset: DatasetPart) -> str:
    """What the time of a picture is the time of, as a heading."""
    kinds = {_kind(source) for source in dataset.sources.values()}
    if "folder" not in kinds:
        return "When they were posted"
    has_posts = not kinds <= set(_OFFERED)
    return "When they were posted, or their file last changed" if has_posts else "When their files were last changed"


_OFFERED = {"folder": "files", "kaggle": "files", "urls": "links"}
"""What sources offer that are not posts, by their kind."""


def _kind(source: SourcePart) -> str:
    return source.label.partition(":")[0]


def outcomes_seen(dataset: DatasetPart) -> dict[str, str]:
    """The outcomes that occurred, each with what it means."""
    seen = {outcome for source in dataset.sources.values() for outcome in source.outcomes}
    return {word: meaning for word, meaning in OUTCOMES.items() if word in seen}


def telling(shortcut: ShortcutPart) -> str:
    """What the most telling value of a shortcut tells, such as `512 x 512: 113 of tank, none of the rest`."""
    if not shortcut.value:
        return "no single one"
    rest = f"{shortcut.of_rest:,}" if shortcut.of_rest else "none"
    return f"{shortcut.value}: {shortcut.of_class:,} of {shortcut.klass}, {rest} of the rest"


SHORTCUTS = (
    "How well each of these alone tells the class, without a look at the subject: the area under the ROC curve, where "
    f"0.5 and less is a coin and 1 is all there is to know. Marked where the whole interval is above {SHORTCUT_AUC}: "
    f"there a model may learn the shortcut instead of the subject. {ADVICE}"
)
"""What the table of shortcuts is, and what to do about it."""

OUTCOMES: dict[str, str] = {
    Outcome.OK: "a usable picture",
    Outcome.SKIPPED: "no still picture, left out by a setting, by its host's wish or as a link, or taken down",
    Outcome.HTTP_ERROR: "the host answered with an error",
    Outcome.NOT_AN_IMAGE: "something else than a picture came",
    Outcome.PLACEHOLDER: "the host's own “removed” picture",
    Outcome.BLOCKED: "a URL that is not asked: a private address, another port, neither http nor https",
    Outcome.EMPTY: "nothing came",
    Outcome.TRUNCATED: "less came than was announced, or the picture ends early",
    Outcome.TOO_LARGE: "more bytes or pixels than allowed",
    Outcome.TOO_SMALL: "fewer pixels than wanted",
    Outcome.TIMEOUT: "the host was too slow",
    Outcome.ERROR: "anything else",
}
"""What each outcome means, for a reader who has not read the documentation."""
