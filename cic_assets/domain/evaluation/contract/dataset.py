"""Of `report.json`: the data set and how it came to be."""

from pydantic import Field

from cic_assets.domain.evaluation.contract.part import Part


class SourcePart(Part):
    """One source of pictures: the original's table of scraping and cleaning."""

    label: str = Field(description="as a person writes it, such as r/carporn")
    klass: str = Field(description="the class that its pictures are given, but for those that a person relabelled")
    posts: int = Field(description="posts, files or list entries that it gave")
    media: int = Field(description="pictures, videos and links in those posts")
    images: int = Field(description="media that came as a usable picture")
    files: int = Field(description="different files among them")
    copies_left_out: int = Field(description="files whose group keeps a better copy, maybe from another source")
    in_conflict: int = Field(
        description="files whose picture is posted under two classes, and no person said which is right; left out too"
    )
    left_out_by_hand: int = Field(default=0, description="files that a person said are of no class")
    relabelled: int = Field(default=0, description="kept pictures that a person gave another class than this one")
    kept: int = Field(
        description="pictures in the final set: files less copies, conflicts and what was left out by hand"
    )
    outcomes: dict[str, int] = Field(description="media by what became of them")
    splits: dict[str, int] = Field(description="kept pictures by split")


class ClassPart(Part):
    """One class in the final set."""

    pictures: int = Field(description="in all splits")
    bytes_before: int = Field(description="of the files as they came")
    bytes_after: int = Field(description="of the resized copies")
    upscaled: int = Field(description="pictures that were smaller than the copy")


class DuplicatesPart(Part):
    """What was left out because it was there already."""

    groups: int = Field(description="pictures that there are several copies of")
    copies_left_out: int = Field(description="pictures whose group keeps a better copy")
    label_conflicts: int = Field(description="groups with one picture under two classes that wait for a label")
    pictures_in_conflict: int = Field(description="pictures in those groups; none of them is kept")


class ShortcutPart(Part):
    """What one shortcut alone, without a look at the subject, says about one class."""

    cue: str = Field(description="such as size or format")
    klass: str = Field(description="the class that it tells")
    auc: float = Field(description="area under the ROC curve of this class against all others: 0.5 is a coin")
    auc_ci: tuple[float, float] = Field(description="95 % interval")
    value: str = Field(description="the most telling one")
    of_class: int = Field(description="pictures of the class that have it")
    of_rest: int = Field(description="pictures of other classes that have it")
    is_shortcut: bool = Field(description="the whole interval is above the limit")


class DatasetPart(Part):
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
