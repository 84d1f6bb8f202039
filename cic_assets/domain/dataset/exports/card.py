"""The data card of an export, as Kaggle and Hugging Face show it: Markdown under a block of YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cic_assets.domain.dataset.arrays import DatasetInfo
from cic_assets.domain.dataset.exports.outgoing import Outgoing
from cic_assets.domain.dataset.exports.rights import ATTRIBUTION, card_text
from cic_assets.domain.dataset.splits import Split

CARD = "README.md"

_OF_EACH = {"license_name": "of-each-picture", "license_link": ATTRIBUTION}
"""In Hugging Face's words, which know no licence of each picture."""

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Hugging Face's words for how large a set is."""


def write_card(folder: Path, outgoing: Outgoing, how_to_read: str, more: Mapping[str, Any] | None = None) -> None:
    """Write `README.md`.

    Args:
        folder: where to.
        outgoing: what is told of.
        how_to_read: Markdown: what lies in the folder, and how it is read.
        more: further keys of the YAML.
    """
    info = outgoing.info
    total = sum(sum(of_class.values()) for of_class in info.counts.values())
    front = {
        "pretty_name": info.name,
        "license": "other",
        **(_OF_EACH if outgoing.rights else {}),
        "task_categories": ["image-classification"],
        "size_categories": [next((word for limit, word in _SIZES if total < limit), "1M<n<10M")],
        **(more or {}),
    }
    text = _TEXT.format(
        name=info.name,
        total=f"{total:,}",
        classes=len(info.classes),
        side=info.side,
        sample=_SAMPLE if info.sample else "",
        table=_table(info),
        how=how_to_read.strip(),
        rights=card_text(outgoing.rights, total),
        version=info.version,
        labels=_labels(info),
    )
    content = f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n{text}"
    (folder / CARD).write_text(content, encoding="utf-8")


def _table(info: DatasetInfo) -> str:
    lines = ["| class | label | " + " | ".join(Split) + " | weight in training |", "|---|---" + "|---:" * 4 + "|"]
    for label, klass in enumerate(info.classes):
        counts = " | ".join(f"{info.counts[split][klass]:,}" for split in Split)
        lines.append(f"| {klass} | {label} | {counts} | {info.class_weights[klass]:.3f} |")
    return "\n".join(lines)


def _labels(info: DatasetInfo) -> str:
    relabelled, left_out = sum(info.relabelled.values()), sum(info.left_out.values())
    if not relabelled and not left_out:
        return "Labels are those of the sources; nobody checked each."
    return (
        f"Labels are those of the sources but for {relabelled:,}, which a person gave, and {left_out:,} pictures were "
        "left out as of no class; nobody checked each."
    )


_SAMPLE = "\n**These pictures are drawn by a program, to try things out with. They say nothing about photographs.**\n"

_TEXT = """# {name}

{total} pictures of {classes} classes, {side} x {side} pixels, JPEG.
{sample}
{table}

{how}

## How it was made

By cic_assets, data version `{version}`: the shorter side of each picture to {side} pixels, then the centre. Of copies
that were found one is kept, or none where they are of several classes. What hangs together by copies, posts and
crossposts is in one split. {labels}
{rights}
## Terms

The pictures belong to those who made them, and this export grants no right to any. Before you pass it on, see that you
may. To pass on which pictures these are, and not the pictures, there is the layout `manifest`.
"""
