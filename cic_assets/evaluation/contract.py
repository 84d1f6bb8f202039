"""`report.json`: every number of the report, typed. What others may build on; the page is drawn from the same object.

Shares are 0..1, sizes bytes, times seconds; null is a measure that is undefined or was not taken.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Part):
    """The best model by validation accuracy, and what the test pictures say of it."""

    model: str
    accuracy: float
    accuracy_ci: tuple[float, float]
    right: int
    n: int
    above_majority: bool = Field(description="the whole interval is above the majority class")
    statements: dict[str, str] = Field(description="in plain words, by what each is about")
    text: str = Field(description="the statements as one text")


class Notice(_Part):
    """What a reader must know before any number."""

    kind: Literal["sample", "random_weights", "not_above_majority", "shortcut", "model", "taken_down"]
    title: str
    text: str


class SourcePart(_Part):
    """One source of pictures: the original's table of scraping and cleaning."""

    label: str = Field(description="as a person writes it, such as r/carporn")
    klass: str
    posts: int
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

    pictures: int
    bytes_before: int = Field(description="of the files as they came")
    bytes_after: int = Field(description="of the resized copies")
    upscaled: int = Field(description="pictures that were smaller than the copy")


class DuplicatesPart(_Part):
    """What was left out because it was there already."""

    groups: int
    copies_left_out: int = Field(description="pictures whose group keeps a better copy")
    label_conflicts: int = Field(description="groups with one picture under two classes")
    pictures_in_conflict: int


class ShortcutPart(_Part):
    """What one cue alone, without a look at the subject, says about one class."""

    cue: str
    klass: str
    auc: float = Field(description="area under the ROC curve of this class against all others: 0.5 is a coin")
    auc_ci: tuple[float, float] = Field(description="95 % interval")
    value: str = Field(description="the most telling one")
    of_class: int = Field(description="pictures of the class that have it")
    of_rest: int = Field(description="pictures of other classes that have it")
    is_shortcut: bool = Field(description="the whole interval is above the limit")


class DatasetPart(_Part):
    """The data set that all models were trained and tested on."""

    name: str
    version: str
    sample: bool = Field(description="the pictures are the embedded, drawn ones")
    side: int
    pictures: int
    classes: list[str]
    class_weights: dict[str, float]
    counts: dict[str, dict[str, int]] = Field(description="pictures by split and class")
    per_class: dict[str, ClassPart]
    sources: dict[str, SourcePart]
    duplicates: DuplicatesPart
    shortcuts: list[ShortcutPart] = Field(default=[], description="the most telling cue first")
    faults: dict[str, dict[str, int]] = Field(default={}, description="pictures of each class with each fault")


class ClassScore(_Part):
    """How a model fares on one class of the test pictures."""

    support: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None


class SourceScore(_Part):
    """How a model fares on the test pictures of one source."""

    right: int
    n: int
    accuracy: float | None
    accuracy_ci: tuple[float, float]


class ModelPart(_Part):
    """One model: what it is worth and what it cost."""

    title: str
    architecture: str
    variant: str
    accuracy: float
    accuracy_ci: tuple[float, float] = Field(description="95 % Wilson interval")
    right: int
    n: int
    balanced_accuracy: float
    majority_baseline: float
    above_majority: bool
    confusion: list[list[int]] = Field(description="rows the truth, columns the answer, in the order of the classes")
    per_class: dict[str, ClassScore]
    per_source: dict[str, SourceScore]
    expected_calibration_error: float
    mean_confidence: float = Field(description="mean of the probabilities that it gave its answers")
    brier_score: float
    log_loss: float
    validation_accuracy: float
    validation_loss: float
    validation_n: int
    epochs: int
    best_epoch: int
    stopped_early: bool
    train_seconds: float = Field(description="of the epochs")
    features_seconds: float | None = Field(description="of running a frozen trunk once; null without one")
    wall_seconds: float = Field(description="all of it, from the process's start to its results")
    cpu_seconds: float
    images_per_second: float
    peak_rss_bytes: int
    peak_gpu_bytes: int | None
    disk_bytes: int
    parameters: int
    trainable_parameters: int
    flops: int = Field(description="forward, for one picture")
    device: str
    random_weights: bool
    weights: str = Field(description="where pretrained weights came from; empty where there are none")
    weights_sha256: str
    warnings: list[str]
    history: list[dict[str, Any]]


class ComparisonPart(_Part):
    """Two models on the same test pictures, by McNemar's exact test."""

    first: str
    second: str
    only_first: int = Field(description="pictures that only the first got right")
    only_second: int
    p_value: float
    p_value_adjusted: float = Field(description="by Holm, over all pairs of this report")


class ReportData(_Part):
    """All of `report.json`."""

    schema_version: Literal[1] = 1
    generated_at: str = Field(description="ISO 8601, UTC")
    question: str
    answer: Answer
    notices: list[Notice]
    dataset: DatasetPart
    models: dict[str, ModelPart]
    comparisons: list[ComparisonPart]
    provenance: dict[str, str] = Field(description="versions of programs and data")
    settings: dict[str, Any] = Field(description="of the problem, without its sources")
