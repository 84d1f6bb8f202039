"""Each asset's code version is looked at when the code changes by which its data is made.

The first part of each `content_version(…)` in `defs/assets` counts the versions of an algorithm by hand. What Dagster
calls fresh was made by the same count: with a changed algorithm and an unchanged count, old and new results lie side by
side, and nobody knows. So `code_versions.json` holds for each asset its count and a hash of the files that make its
data, without comments, docstrings and layout. When one has changed:

1. Do results differ, for any input? Then raise the count in `defs/assets`.
2. `python -m cic_assets_tests.defs.test_code_versions` writes the file anew; commit it with the change.
"""

import ast
import hashlib
import io
import json
import tokenize
from pathlib import Path

import pytest

from cic_assets.domain import duplicates, models

PACKAGE = Path(__file__).resolve().parents[2] / "cic_assets"
RECORD = Path(__file__).with_name("code_versions.json")

_DECODING = [
    "images/decoding.py", "images/pillow.py", "images/pixels.py", "images/headers.py", "images/leaving_out.py",
    "images/formats/*.py",
]  # fmt: skip
COVERS = {
    "takedowns": ["takedowns/check.py", "takedowns/rows.py", "takedowns/turns.py", "sources/tombstones.py"],
    "raw_images": ["sources/*.py", "reddit/*.py", "download/*.py", "images/inspection.py", "images/formats/*.py"],
    "image_hashes": ["duplicates/fingerprints.py", "images/fingerprints.py", "images/lanczos.py", *_DECODING],
    "duplicates": [
        "duplicates/*.py",
        "images/quantization.py",
        "overrides/decisions.py",
        "overrides/resolving.py",
        *_DECODING,
    ],
    "deduped_images": ["duplicates/selection.py"],
    "resized_images": [
        "dataset/resizing.py",
        "dataset/packing.py",
        "images/resizing.py",
        "images/encoding.py",
        *_DECODING,
    ],
    "image_features": ["features/table.py", "models/pooled.py", "models/export/*.py", *_DECODING],
    "training_dataset": [
        "dataset/arrays.py",
        "dataset/splits.py",
        "dataset/units.py",
        "dataset/split_memory.py",
        "dataset/balance.py",
        "dataset/given.py",
        "dataset/overlay.py",
        "overrides/labels.py",
        "overrides/resolving.py",
        "features/nearest.py",
        "features/scenes.py",
        "components.py",
        "places.py",
    ],
    "dataset_audit": ["audit/*.py", "folds.py"],
    "model": ["models/*.py", "models/export/*.py"],  # features of a frozen backbone come from an exported one
    "quantized": ["models/quantization/*.py"],
    "evaluation_report": [
        "evaluation/*.py",
        "evaluation/contract/*.py",
        "dataset/shortcuts.py",
        "dataset/roc.py",
        "dataset/quality_issues.py",
    ],
}
"""Files below `domain` that make each asset's data; `model` and `quantized` stand for those of all models."""

LEFT_OUT = [
    "*/__init__.py", "*/errors.py", "*/settings.py",  # names, and what is part of a code version by its values
    "*/forgetting.py", "duplicates/residual.py", "duplicates/review.py",  # what happens to data afterwards
    "images/contact_sheets.py", "images/settings.py", "models/formats/*.py", "models/versions/*.py",
    "overrides/*.py",  # what is decided is part of a code version
    "dataset/exports/*.py", "dataset/leaks.py", "dataset/packing.py", "evaluation/terminal.py",
    "champions/*.py", "prediction/*.py", "review/*.py", "takedowns/*.py", "*.py",  # no asset's data
]  # fmt: skip


def covered(patterns):
    found = {path for pattern in patterns for path in (PACKAGE / "domain").glob(pattern)}
    return sorted(path for path in found if not is_left_out(path, LEFT_OUT[:3]))


def is_left_out(path, patterns):
    below = path.relative_to(PACKAGE / "domain")
    return any(below.match(pattern) if "/" in pattern else below == Path(below.name) for pattern in patterns)


def counts():
    """The count of each asset, as it stands in its decorator."""
    found = {}
    for path in sorted((PACKAGE / "defs" / "assets").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and (count := count_of(function)) is not None:
                found[function.name] = count
    return found


def count_of(function):
    """Of an asset with a code version; None for any other function."""
    keywords = [one for call in function.decorator_list if isinstance(call, ast.Call) for one in call.keywords]
    given = next((one.value for one in keywords if one.arg == "code_version"), None)
    if given is None:
        return None
    first = given.args[0]
    if isinstance(first, ast.Constant):
        return first.value
    return next(getattr(folder, first.id) for folder in (models, duplicates) if hasattr(folder, first.id))


def essence(source):
    """A file's words: without comments, texts for readers, layout."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        # A text that stands alone does nothing.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    words = "".join("".join(line.split()) for line in lines)
    return words.replace(",)", ")").replace(",]", "]").replace(",}", "}")  # as a formatter breaks lines


def hash_of(paths):
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{essence(path.read_text())}\0".encode())
    return digest.hexdigest()[:16]


def found(name):
    return {"count": counts()[name], "code": hash_of(covered(COVERS[name]))}


@pytest.mark.parametrize("name", COVERS)
def test_code_that_changed_was_looked_at(name):
    recorded, now = json.loads(RECORD.read_text())[name], found(name)
    assert now == recorded, (
        f"what {name} is made by has changed, {', '.join(path.name for path in covered(COVERS[name]))} among it: "
        f"{__doc__.partition('When one has changed:')[2]}"
    )


def test_every_asset_with_a_code_version_is_there():
    assert counts().keys() == COVERS.keys()


def test_every_file_of_the_domain_makes_some_asset_s_data_or_is_known_not_to():
    makes = {path for patterns in COVERS.values() for path in covered(patterns)}
    others = [path for path in (PACKAGE / "domain").rglob("*.py") if path not in makes]
    assert [str(path) for path in others if not is_left_out(path, LEFT_OUT)] == []


def test_words_for_readers_and_layout_do_not_count():
    plain = "def f(a):\n    return g(a, 1)\n"
    dressed = (
        '"""About."""\n\n# note\ndef f(a):\n    """Says."""\n    return g(  # why\n        a,\n        1,\n    )\n'
    )
    assert essence(plain) == essence(dressed)


@pytest.mark.parametrize("other", ["def f(a):\n    return g(a, 2)\n", "def f(a):\n    return 'a' + g(a, 1)\n"])
def test_what_is_done_counts(other):
    assert essence(other) != essence("def f(a):\n    return g(a, 1)\n")


if __name__ == "__main__":
    RECORD.write_text(f"{json.dumps({name: found(name) for name in COVERS}, indent=2)}\n")
