"""Of `report.json`: one model, what it is worth and what it cost."""

from typing import Any, Literal

from pydantic import Field

from cic_assets.domain.evaluation.contract.part import Part


class AnsweringPart(Part):
    """The version of a model that answers, where that is another one than the report judges."""

    version: str = Field(description="its id")
    since: str = Field(description="when it was decided, ISO 8601, UTC; empty where that is not known")
    by: str = Field(description="who decided it: the training, or a person; empty likewise")
    reason: str = Field(description="why, in words")


class ClassScore(Part):
    """How a model fares on one class of the pictures that it is judged on."""

    support: int = Field(description="judged pictures of this class")
    right: int = Field(description="of them named rightly")
    precision: float | None = Field(description="of the pictures called this class, the share that is")
    recall: float | None = Field(description="of the pictures of this class, the share found")
    f1: float | None = Field(description="harmonic mean of the two")
    recall_ci: tuple[float, float] | None = Field(
        default=None, description="95 % interval of the recall, over units; null in reports of before"
    )


class SourceScore(Part):
    """How a model fares on the judged pictures of one source."""

    right: int = Field(description="right answers")
    n: int = Field(description="judged pictures of this source")
    accuracy: float | None = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")


class JudgedPart(Part):
    """What a model's numbers are computed over: pictures that it has not learned from, nor from any of their unit."""

    where: Literal["test", "folds"] = Field(
        description="on the test split, or each picture by a model that was trained without its fold"
    )
    folds: int | None = Field(default=None, description="how many; null on the test split")
    wall_seconds: float | None = Field(
        default=None, description="that training a model a fold took, beside the model itself; null on the test split"
    )
    cpu_seconds: float | None = Field(default=None, description="of all cores, likewise")
    pictures: int = Field(description="that it was judged on")
    units: int = Field(description="of pictures that belong together: of one post, copies, equal pixels, crossposts")
    largest_unit: int = Field(description="pictures in the largest")
    worth: float = Field(description="independent pictures that they are worth for the accuracy: its interval's number")


class FurtherPart(Part):
    """What may be expected of further pictures of the same kind: wider than the interval of endlessly many."""

    pictures: int = Field(description="so many further ones, with as many to a post and as many copies as these")
    accuracy_ci: tuple[float, float] = Field(description="95 % prediction interval of the share of right answers")


class SharePart(Part):
    """How often the model itself, which learned from all training pictures, is right on the test split."""

    right: int = Field(description="right answers")
    n: int = Field(description="test pictures")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")


class SeedsPart(Part):
    """The same training with several seeds: what chance alone moves, the pictures being what they are.

    Chance draws the first weights, the order of the pictures, how they are varied, and what dropout leaves out.
    """

    seeds: list[int] = Field(description="of the trainings, the model's own first")
    where: Literal["test", "folds"] = Field(description="what all were judged on: the test split, or the same folds")
    n: int = Field(description="judged pictures")
    right: list[int] = Field(description="right answers with each seed")
    lowest: float = Field(description="accuracy of any seed")
    highest: float = Field(description="likewise")
    standard_deviation: float = Field(description="of the seeds' accuracies, their number less one")
    changed: int = Field(description="judged pictures that not every seed answers alike")
    wall_seconds: float = Field(description="that the further trainings took, beside the model itself")
    cpu_seconds: float = Field(description="of all cores, likewise")


class CalibrationError(Part):
    """How far confidence is from accuracy, beside what chance alone makes of it."""

    error: float = Field(description="expected calibration error: mean gap over 10 bins of confidence")
    if_calibrated: float = Field(description="median of it for a perfectly calibrated model on as many pictures")
    if_calibrated_highest: float = Field(description="95 of 100 such models stay at or below this")
    mean_confidence: float = Field(description="mean of the probabilities that it gave its answers")
    gap_p: float = Field(description="chance of a mean confidence as far from the accuracy, were it calibrated")
    log_loss: float = Field(description="mean negative logarithm of the true class's probability")


class PlausiblePart(Part):
    """What the sets of plausible classes of one level did, over units of what was judged."""

    level: float = Field(description="how often they are to hold the truth")
    coverage: float = Field(description="how often they did")
    coverage_ci: tuple[float, float] = Field(description="95 % interval of that, over units")
    mean_size: float = Field(description="classes in a set")
    one: float = Field(description="share of sets of one class")
    none: float = Field(description="share of sets of none: of pictures that it is less sure of than of nearly all")


class CalibrationPart(Part):
    """What a model's probabilities are worth, as `cic predict` says them: set by validation, judged elsewhere."""

    temperature: float = Field(description="above 1 where the model is too sure")
    set_by: int = Field(description="validation pictures")
    set_by_units: int = Field(description="of pictures that belong together")
    of_folds: list[float] = Field(
        default=[],
        description="temperatures of the folds' models, each set by validation pictures of its own: what was judged in "
        "folds is put right by these. Empty where it was judged on the test split",
    )
    before: CalibrationError = Field(description="of the probabilities as the model gives them")
    after: CalibrationError = Field(description="of those put right by the temperature")
    plausible: dict[str, PlausiblePart] = Field(description="by level in %")


class SlicePart(Part):
    """A part of the judged pictures against the rest of them."""

    by: str = Field(description="what tells it, such as source or sharpness")
    value: str = Field(description="which part; of numbers a third")
    n: int = Field(description="judged pictures in it")
    right: int = Field(description="right answers among them")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")
    accuracy_of_rest: float = Field(description="the same of all other judged pictures")
    p_value: float = Field(description="Fisher's exact test with as many pictures as they are worth")
    p_value_adjusted: float = Field(description="by Holm, over all slices of the model")


class PrecisionPart(Part):
    """One model in one precision, as it was measured when it was made."""

    precision: str = Field(description="float32 (in full), float16 (weights in 16 bits) or int8 (8 bits)")
    right: int = Field(description="right answers on the test pictures")
    n: int = Field(description="test pictures")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % Wilson interval of it")
    log_loss: float = Field(description="mean negative logarithm of the true class's probability")
    labels_changed: int = Field(description="test pictures of which it says another class than in full")
    largest_change: float = Field(description="of a probability on a test picture")
    disk_bytes: int = Field(description="of its files")
    milliseconds: float = Field(description="of a processor for one picture on one thread, the median")


class BackgroundPart(Part):
    """What a reject rule does with pictures of other things, none of which had a part in setting it."""

    n: int = Field(description="pictures of other things")
    refused: int = Field(description="of them")
    auroc: float = Field(description="chance that one of them lies farther from the training pictures than one judged")
    fpr_at_95_tpr: float = Field(description="share of them that passes where 95 % of what was judged does")


class RejectPart(Part):
    """By which distance a model tells that a picture is none of its classes, and what that refuses."""

    threshold: float | None = Field(description="mean cosine distance; null where too few pictures could set it")
    neighbours: int = Field(description="nearest training pictures, whose mean distance counts")
    references: int = Field(description="training pictures that are compared with")
    set_by: int = Field(description="pictures that set it: of validation, for a frozen backbone of training too")
    n: int = Field(description="test pictures that it was tried on")
    refused: int = Field(description="of them")
    refused_ci: tuple[float, float] = Field(description="95 % interval of their share, over units")
    background: BackgroundPart | None = Field(
        default=None, description="null where the problem names no pictures of other things"
    )


class ModelPart(Part):
    """One model: what it is worth and what it cost."""

    title: str = Field(description="what a person calls it")
    architecture: str = Field(description="vgg, peetz_net or xception")
    version: str = Field(default="", description="of the model, which is judged here; empty in reports of before")
    answering: AnsweringPart | None = Field(default=None, description="null where the judged version answers itself")
    variant: str = Field(description="original or modern")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(
        description="95 % interval: Wilson's, with as many pictures as they are worth (see `judged`)"
    )
    further: list[FurtherPart] = Field(
        default=[],
        description="what may be expected of a hundred further pictures and of more; empty in reports of before",
    )
    right: int = Field(description="right answers")
    n: int = Field(description="pictures that it was judged on")
    judged: JudgedPart | None = Field(
        default=None, description="what all of these are computed over; null in reports of before, of test pictures"
    )
    tested: SharePart | None = Field(
        default=None, description="on the test split, whatever it is judged on; null in reports of before"
    )
    seeds: SeedsPart | None = Field(
        default=None, description="null where it was trained with its own seed alone, and in reports of before"
    )
    balanced_accuracy: float = Field(description="mean of the classes' recalls")
    balanced_accuracy_ci: tuple[float, float] | None = Field(default=None, description="95 % interval, over units")
    roc_auc: float | None = Field(
        default=None,
        description="area under the ROC curve: of two classes of the second, of more the mean of each against the rest",
    )
    roc_auc_ci: tuple[float, float] | None = Field(default=None, description="95 % interval, over units")
    pr_auc: float | None = Field(
        default=None,
        description="average precision: of each class against the rest, the mean of all; a class alone is as rare as "
        "it is among what was judged",
    )
    pr_auc_ci: tuple[float, float] | None = Field(default=None, description="95 % interval, over units")
    majority_baseline: float = Field(description="accuracy of always answering the commonest class of what was judged")
    above_majority: bool = Field(description="the whole interval is above that")
    independence_p: float | None = Field(
        default=None,
        description="chance that answers given without a look would go with the truth as well or better (Fisher's "
        "exact test, one-sided; with several classes by Bonferroni); null in reports of before",
    )
    confusion: list[list[int]] = Field(description="rows the truth, columns the answer, in the order of the classes")
    per_class: dict[str, ClassScore] = Field(description="by class")
    per_source: dict[str, SourceScore] = Field(description="by partition")
    slices: list[SlicePart] = Field(default=[], description="the least chance first; empty in reports of before")
    expected_calibration_error: float = Field(
        description="mean gap between confidence and accuracy over 10 bins of confidence"
    )
    mean_confidence: float = Field(description="mean of the probabilities that it gave its answers")
    brier_score: float = Field(description="mean squared distance from the truth, summed over classes: 0 (best) to 2")
    log_loss: float = Field(description="mean negative logarithm of the true class's probability")
    calibration: CalibrationPart | None = Field(default=None, description="null in reports of before")
    validation_accuracy: float = Field(description="of the weights that were kept")
    validation_loss: float = Field(description="cross-entropy, likewise")
    validation_calibrated_loss: float | None = Field(
        default=None,
        description="likewise, of probabilities that the temperature put right; models are chosen by it, and by "
        "`validation_loss` where one has none; null in reports of before",
    )
    validation_n: int = Field(description="validation pictures")
    epochs: int = Field(description="that were trained")
    best_epoch: int = Field(description="whose weights were kept, from 1")
    stopped_early: bool = Field(description="before all epochs were trained")
    train_seconds: float = Field(description="of the epochs")
    features_seconds: float | None = Field(description="of running a frozen backbone once; null without one")
    wall_seconds: float = Field(description="all of it, from the process's start to its results")
    cpu_seconds: float = Field(description="of all cores, in that time")
    images_per_second: float = Field(description="training pictures, within the epochs")
    peak_rss_bytes: int = Field(description="most memory of its process")
    peak_gpu_bytes: int | None = Field(description="most GPU memory; null on a CPU")
    disk_bytes: int = Field(description="of model.keras")
    parameters: int = Field(description="all weights")
    trainable_parameters: int = Field(description="those that training may change")
    flops: int = Field(description="forward, for one picture")
    device: str = Field(description="that trained it, such as cpu or gpu:0")
    random_weights: bool = Field(
        description="it needs pretrained weights and had to do without: its numbers mean nothing"
    )
    weights: str = Field(description="where pretrained weights came from; empty where there are none")
    weights_sha256: str = Field(description="over their arrays")
    precisions: list[PrecisionPart] = Field(
        default=[], description="in full and in fewer bits, where the problem asks for some"
    )
    reject: RejectPart | None = Field(default=None, description="null of models that know nothing of it")
    warnings: list[str] = Field(description="of the training, in words")
    history: list[dict[str, Any]] = Field(
        description="a row an epoch: epoch, epochs, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds, "
        "images_per_second, remaining_seconds, best"
    )
