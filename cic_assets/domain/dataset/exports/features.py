"""What the columns of a table are to Hugging Face's `datasets`, in the metadata of its Arrow schema.

`datasets` writes its features as JSON under the key "huggingface" and reads them from there: what it is to show as a
picture or as a class needs no line of code.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

Feature = dict[str, Any]


def image() -> Feature:
    """A struct of `bytes` and `path`."""
    return {"_type": "Image"}


def class_label(classes: Sequence[str]) -> Feature:
    """Whole numbers that stand for classes."""
    return {"names": list(classes), "_type": "ClassLabel"}


def text() -> Feature:
    """A string."""
    return {"dtype": "string", "_type": "Value"}


def schema_with(columns: Mapping[str, pa.DataType], features: Mapping[str, Feature]) -> pa.Schema:
    """A schema of columns that says what they are."""
    return pa.schema(dict(columns), metadata={"huggingface": json.dumps({"info": {"features": dict(features)}})})
