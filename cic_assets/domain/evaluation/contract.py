"""`report.json`: every number of the report, typed. What others may build on; the page is drawn from the same object.

Shares are 0..1, sizes bytes, times seconds; null is a measure that is undefined or was not taken.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Part):
    """The best model by validation loss, and what the pictures say of it that it was judged on."""

    model: str = Field(description="its name")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")
    right: int = Field(description="right answers")
    n: int = Field(description="pictures that it was judged on")
    above_majority: bool = Field(description="the whole interval is above the majority class")
    statements: dict[str, str] = Field(description="in plain words, by what each is about")
    text: str = Field(description="the statements as one text")


class Notice(_Part):
    """What a reader must know before any number."""

    kind: Literal["sample", "random_weights", "not_above_majority", "shortcut", "model", "taken_down"] = Field(
        description="what it is about"
    )
    title: str = Field(description="in a few words")
    text: str = Field(description="in a sentence or two")


class SourcePart(_Part):
    """One source of pictures: the original's table of scraping and cleaning."""

    label: str = Field(description="as a person writes it, such as r/carporn")
    klass: str = Field(description="the class that its pictures are given")
    posts: int = Field(description="posts, files or list entries that it gave")
    media: int = Field(description="pictures, videos and links in those posts")
    images: int = Field(description="media that came as a usable picture")
    files: int = Field(description="different files among them")
    copies_left_out: int = Field(description="files whose group keeps a better copy, maybe from another source")
    in_conflict: int = Field(description="files whose picture is posted under two classes; left out too")
    kept: int = Field(description="pictures in the final set: files less copies less conflicts")
    outcomes: dict[str, int] = Field(description="media by what became of them")
    splits: dict[str, int] = Field(description="kept pictures by split")


class ClassPart(_Part):
    """One class in the final set."""

    pictures: int = Field(description="in all splits")
    bytes_before: int = Field(description="of the files as they came")
    bytes_after: int = Field(description="of the resized copies")
    upscaled: int = Field(description="pictures that were smaller than the copy")


class DuplicatesPart(_Part):
    """What was left out because it was there already."""

    groups: int = Field(description="pictures that there are several copies of")
    copies_left_out: int = Field(description="pictures whose group keeps a better copy")
    label_conflicts: int = Field(description="groups with one picture under two classes")
    pictures_in_conflict: int = Field(description="pictures in those groups; none of them is kept")


class ShortcutPart(_Part):
    """What one shortcut alone, without a look at the subject, says about one class."""

    cue: str = Field(description="such as size or format")
    klass: str = Field(description="the class that it tells")
    auc: float = Field(description="area under the ROC curve of this class against all others: 0.5 is a coin")
    auc_ci: tuple[float, float] = Field(description="95 % interval")
    value: str = Field(description="the most telling one")
    of_class: int = Field(description="pictures of the class that have it")
    of_rest: int = Field(description="pictures of other classes that have it")
    is_shortcut: bool = Field(description="the whole interval is above the limit")


class DatasetPart(_Part):
    """The data set that all models were trained and tested on."""

    name: str = Field(description="of the problem")
    version: str = Field(description="the same exactly when pictures, labels and splits are the same")
    sample: bool = Field(description="the pictures are the embedded, drawn ones")
    side: int = Field(description="of the pictures, in pixels")
    pictures: int = Field(description="in all splits and classes")
    classes: list[str] = Field(description="in the order of their labels")
    class_weights: dict[str, float] = Field(
        description="by class, for the training loss; the mean weight of a picture is 1"
    )
    counts: dict[str, dict[str, int]] = Field(description="pictures by split and class")
    per_class: dict[str, ClassPart] = Field(description="by class")
    sources: dict[str, SourcePart] = Field(description="by partition")
    duplicates: DuplicatesPart = Field(description="over all sources")
    shortcuts: list[ShortcutPart] = Field(default=[], description="the most telling first")
    faults: dict[str, dict[str, int]] = Field(default={}, description="pictures of each class with each fault")


class ClassScore(_Part):
    """How a model fares on one class of the pictures that it is judged on."""

    support: int = Field(description="judged pictures of this class")
    right: int = Field(description="of them named rightly")
    precision: float | None = Field(description="of the pictures called this class, the share that is")
    recall: float | None = Field(description="of the pictures of this class, the share found")
    f1: float | None = Field(description="harmonic mean of the two")
    recall_ci: tuple[float, float] | None = Field(
        default=None, description="95 % interval of the recall, over units; null in reports of before"
    )


class SourceScore(_Part):
    """How a model fares on the judged pictures of one source."""

    right: int = Field(description="right answers")
    n: int = Field(description="judged pictures of this source")
    accuracy: float | None = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")


class JudgedPart(_Part):
    """What a model's numbers are computed over: pictures that it has not learned from, nor from any of their unit."""

    where: Literal["test", "folds"] = Field(
        description="on the test split, or each picture by a model that was trained without its fold"
    )
    pictures: int = Field(description="that it was judged on")
    units: int = Field(description="of pictures that belong together: of one post, copies, equal pixels, crossposts")
    largest_unit: int = Field(description="pictures in the largest")
    worth: float = Field(description="independent pictures that they are worth for the accuracy: its interval's number")


class CalibrationError(_Part):
    """How far confidence is from accuracy, beside what chance alone makes of it."""

    error: float = Field(description="expected calibration error: mean gap over 10 bins of confidence")
    if_calibrated: float = Field(description="median of it for a perfectly calibrated model on as many pictures")
    if_calibrated_highest: float = Field(description="95 of 100 such models stay at or below this")
    mean_confidence: float = Field(description="mean of the probabilities that it gave its answers")
    gap_p: float = Field(description="chance of a mean confidence as far from the accuracy, were it calibrated")
    log_loss: float = Field(description="mean negative logarithm of the true class's probability")


class PlausiblePart(_Part):
    """What the sets of plausible classes of one level did, over units of what was judged."""

    level: float = Field(description="how often they are to hold the truth")
    coverage: float = Field(description="how often they did")
    coverage_ci: tuple[float, float] = Field(description="95 % interval of that, over units")
    mean_size: float = Field(description="classes in a set")
    one: float = Field(description="share of sets of one class")
    none: float = Field(description="share of sets of none: of pictures that it is less sure of than of nearly all")


class CalibrationPart(_Part):
    """What a model's probabilities are worth, as `cic predict` says them: set by validation, judged elsewhere."""

    temperature: float = Field(description="above 1 where the model is too sure")
    set_by: int = Field(description="validation pictures")
    set_by_units: int = Field(description="of pictures that belong together")
    before: CalibrationError = Field(description="of the probabilities as the model gives them")
    after: CalibrationError = Field(description="of those put right by the temperature")
    plausible: dict[str, PlausiblePart] = Field(description="by level in %")


class SlicePart(_Part):
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


class PrecisionPart(_Part):
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


class ModelPart(_Part):
    """One model: what it is worth and what it cost."""

    title: str = Field(description="what a person calls it")
    architecture: str = Field(description="vgg, peetz_net or xception")
    variant: str = Field(description="original or modern")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(
        description="95 % interval: Wilson's, with as many pictures as they are worth (see `judged`)"
    )
    right: int = Field(description="right answers")
    n: int = Field(description="pictures that it was judged on")
    judged: JudgedPart | None = Field(
        default=None, description="what all of these are computed over; null in reports of before, of test pictures"
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
    validation_loss: float = Field(description="cross-entropy, likewise; models are chosen by it")
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
    warnings: list[str] = Field(description="of the training, in words")
    history: list[dict[str, Any]] = Field(
        description="a row an epoch: epoch, epochs, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds, "
        "images_per_second, remaining_seconds, best"
    )


class ComparisonPart(_Part):
    """Two models on the same pictures, by McNemar's exact test, over units where several pictures are in one."""

    first: str = Field(description="name of a model")
    second: str = Field(description="name of another")
    only_first: int = Field(description="pictures that only the first got right")
    only_second: int = Field(description="pictures that only the second got right")
    p_value: float = Field(description="chance of so lopsided a split or worse, were both equally good")
    p_value_adjusted: float = Field(description="by Holm, over all pairs of this report")


class ReportData(_Part):
    """All of `report.json`."""

    schema_version: Literal[1] = Field(default=1, description="another one, and something of this page has changed")
    generated_at: str = Field(description="ISO 8601, UTC")
    question: str = Field(description="as the problem file has it")
    answer: Answer = Field(description="the best model")
    notices: list[Notice] = Field(description="before all numbers")
    dataset: DatasetPart = Field(description="what all models saw")
    models: dict[str, ModelPart] = Field(description="by name")
    comparisons: list[ComparisonPart] = Field(description="each pair of models")
    provenance: dict[str, str] = Field(description="versions of programs and data")
    settings: dict[str, Any] = Field(description="of the problem, without its sources")
