"""From posts to pictures in counts: the original's tables of scraping, cleaning and resizing."""

import pandas as pd

from cic_assets.dataset import Split
from cic_assets.evaluation.contract import ClassPart, DatasetPart, DuplicatesPart, SourcePart
from cic_assets.evaluation.inputs import ReportInputs, SourceInfo
from cic_assets.media import Outcome


def describe_dataset(inputs: ReportInputs) -> DatasetPart:
    """Every number about the data set and how it came to be."""
    info, manifest = inputs.dataset, inputs.manifest
    return DatasetPart(
        name=info.name,
        version=info.version,
        sample=info.sample,
        side=info.side,
        pictures=len(manifest),
        classes=info.classes,
        class_weights=info.class_weights,
        counts={split.value: info.counts[split] for split in Split},
        per_class={klass: _class_part(manifest[manifest["klass"] == klass]) for klass in info.classes},
        sources={source.key: _source_part(source, inputs) for source in inputs.sources},
        duplicates=_duplicates_part(inputs.duplicates),
    )


def when_posted(inputs: ReportInputs) -> dict[str, list[float]]:
    """Seconds since 1970 of each kept picture's post, by class; empty where no source says."""
    known = inputs.manifest[inputs.manifest["created_utc"] > 0]
    if known.empty:
        return {}
    return {klass: list(known.loc[known["klass"] == klass, "created_utc"]) for klass in inputs.dataset.classes}


def _class_part(rows: pd.DataFrame) -> ClassPart:
    return ClassPart(
        pictures=len(rows),
        bytes_before=int(rows["bytes"].sum()),
        bytes_after=int(rows["bytes_after"].sum()),
        upscaled=int(rows["upscaled"].sum()),
    )


def _source_part(source: SourceInfo, inputs: ReportInputs) -> SourcePart:
    rows = inputs.raw[inputs.raw["subreddit"] == source.key]
    kept = inputs.manifest[inputs.manifest["subreddit"] == source.key]
    return SourcePart(
        label=source.label,
        klass=source.klass,
        posts=int(rows["post_id"].nunique()),
        media=len(rows),
        images=int((rows["outcome"] == Outcome.OK).sum()),
        kept=len(kept),
        outcomes=_counts(rows["outcome"]),
        splits=_counts(kept["split"]),
    )


def _duplicates_part(groups: pd.DataFrame) -> DuplicatesPart:
    in_conflict = groups["label_conflict"].astype(bool)
    conflicts = groups[in_conflict]
    return DuplicatesPart(
        groups=int(groups["group_id"].nunique()),
        copies_left_out=int(((groups["keep"].astype(int) == 0) & ~in_conflict).sum()),
        label_conflicts=int(conflicts["group_id"].nunique()),
        pictures_in_conflict=len(conflicts),
    )


def _counts(column: "pd.Series[str]") -> dict[str, int]:
    return {str(value): int(count) for value, count in column.value_counts().items()}
