"""From posts to pictures in counts: the original's tables of scraping, cleaning and resizing."""

from collections.abc import Sequence

import pandas as pd

from cic_assets.domain.dataset import QUALITY_ISSUES, Shortcut, Split, find_quality_issues, find_shortcuts
from cic_assets.domain.evaluation.contract import ClassPart, DatasetPart, DuplicatesPart, ShortcutPart, SourcePart
from cic_assets.domain.evaluation.inputs import ReportInputs, SourceInfo
from cic_assets.domain.media import Outcome


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
        duplicates=_duplicates_part(inputs.groups),
        shortcuts=[_shortcut_part(shortcut) for shortcut in find_shortcuts(manifest, info.classes)],
        faults=_faults(manifest, info.classes),
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
    rows = _of(inputs.raw, source)
    usable = rows[rows["outcome"] == Outcome.OK]
    kept = _of(inputs.manifest, source)
    left_out, in_conflict = _left_out(_of(inputs.groups, source))
    return SourcePart(
        label=source.label,
        klass=source.klass,
        posts=int(rows["post_id"].nunique()),
        media=len(rows),
        images=len(usable),
        files=int(usable["sha256"].nunique()),
        copies_left_out=len(left_out),
        in_conflict=len(in_conflict),
        left_out_by_hand=inputs.dataset.left_out.get(source.key, 0),
        relabelled=inputs.dataset.relabelled.get(source.key, 0),
        kept=len(kept),
        outcomes=_counts(rows["outcome"]),
        splits=_counts(kept["split"]),
    )


def _duplicates_part(groups: pd.DataFrame) -> DuplicatesPart:
    left_out, conflicts = _left_out(groups)
    return DuplicatesPart(
        groups=int(groups["group_id"].nunique()),
        copies_left_out=len(left_out),
        label_conflicts=int(conflicts["group_id"].nunique()),
        pictures_in_conflict=len(conflicts),
    )


def _shortcut_part(shortcut: Shortcut) -> ShortcutPart:
    return ShortcutPart(
        cue=shortcut.name,
        klass=shortcut.klass,
        auc=shortcut.auc,
        auc_ci=shortcut.auc_ci,
        value=shortcut.value,
        of_class=shortcut.of_class,
        of_rest=shortcut.of_rest,
        is_shortcut=shortcut.is_warned_of,
    )


def _faults(manifest: pd.DataFrame, classes: Sequence[str]) -> dict[str, dict[str, int]]:
    flagged = find_quality_issues(manifest)
    return {
        fault: {klass: int(flagged.loc[flagged["klass"] == klass, fault].sum()) for klass in classes}
        for fault in QUALITY_ISSUES
    }


def _left_out(groups: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of a table of duplicates: copies of a picture that is kept, and pictures whose class is in doubt."""
    in_conflict = groups["label_conflict"].astype(bool)
    return groups[(groups["keep"].astype(int) == 0) & ~in_conflict], groups[in_conflict]


def _of(table: pd.DataFrame, source: SourceInfo) -> pd.DataFrame:
    return table[table["subreddit"] == source.key]


def _counts(column: "pd.Series[str]") -> dict[str, int]:
    return {str(value): int(count) for value, count in column.value_counts().items()}
