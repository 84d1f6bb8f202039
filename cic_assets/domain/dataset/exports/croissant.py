"""`croissant.json`: the set described for machines, by MLCommons' Croissant 1.1, where every picture has a licence.

Croissant is JSON-LD on schema.org. Pictures are joined to the lines of `ATTRIBUTION.csv` by their path.
"""

import json
from pathlib import Path
from typing import Any

from cic_assets.domain.dataset.arrays import DatasetInfo
from cic_assets.domain.dataset.exports.rights import ATTRIBUTION, Rights, licenses_in
from cic_assets.domain.dataset.splits import Split
from cic_assets.storage import sha256_hex

CROISSANT = "croissant.json"

_TERMS = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract", "field",
    "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
    "parentField", "path", "recordSet", "references", "regex", "readLines", "repeated", "replace", "samplingRate",
    "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_SPLITS = {Split.TRAIN: "cr:TrainingSplit", Split.VALIDATION: "cr:ValidationSplit", Split.TEST: "cr:TestSplit"}
_MEANINGS = {
    "author": "sc:creator", "license": "sc:license", "source_page": "sc:acquireLicensePage", "title": "sc:name",
    "attribution": "sc:creditText",
}  # fmt: skip
_TEXTS = ("title", "author", "author_url", "license", "license_url", "source_page", "attribution", "changes")


def write_croissant(folder: Path, info: DatasetInfo, rights: Rights) -> None:
    """Write it, after `ATTRIBUTION.csv`, whose SHA-256 it holds."""
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": info.name,
        "description": f"Pictures of {' and '.join(info.classes)}, each under the licence that its source names.",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "license": sorted({url or f"https://spdx.org/licenses/{name}" for name, url, _ in licenses_in(rights)}),
        "url": f"urn:cic-assets:{info.version}",
        "creator": {"@type": "sc:Organization", "name": f"Many authors: {ATTRIBUTION} names them"},
        # Of the newest picture: the same set is the same file.
        "datePublished": max(row["fetched_at"] for row in rights.values())[:10],
        "version": "1.0.0",
        "citeAs": info.name,
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "attribution",
                "name": ATTRIBUTION,
                "contentUrl": ATTRIBUTION,
                "encodingFormat": "text/csv",
                "sha256": sha256_hex((folder / ATTRIBUTION).read_bytes()),
            },
            {
                "@type": "cr:FileSet",
                "@id": "image-files",
                "name": "image-files",
                "encodingFormat": "image/jpeg",
                "includes": "*/*/*.jpg",
            },
        ],
        "recordSet": [_splits(), _labels(info.classes), _images()],
    }
    (folder / CROISSANT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _splits() -> dict[str, Any]:
    records = [{"splits/name": str(split), "splits/url": url} for split, url in _SPLITS.items()]
    fields = [_field("splits", "name", "sc:Text"), _field("splits", "url", "sc:URL")]
    return {**_set("splits", "name", fields), "dataType": "cr:Split", "data": records}


def _labels(classes: list[str]) -> dict[str, Any]:
    records = [{"labels/name": klass} for klass in classes]
    return {
        **_set("labels", "name", [_field("labels", "name", "sc:Text")]),
        "dataType": "sc:Enumeration",
        "data": records,
    }


def _images() -> dict[str, Any]:
    path = {
        **_field("images", "file", "sc:Text"),
        # Without the expression, which changes nothing, a path is compared with a text, and no picture has a line.
        "source": {**_of_files("fullpath"), "transform": {"regex": "(.*)"}},
        "references": _of_table("file"),
    }
    picture = {**_field("images", "image", "sc:ImageObject"), "source": _of_files("content")}
    label = {**_field("images", "label", ["sc:Text", "cr:Label"]), "source": _of_table("class")}
    split = {**_field("images", "split", "sc:Text"), "source": _of_table("split")}
    texts = [
        {
            **_field("images", name, "sc:Text"),
            "source": _of_table(name),
            **({"equivalentProperty": _MEANINGS[name]} if name in _MEANINGS else {}),
        }
        for name in _TEXTS
    ]
    return _set("images", "file", [path, picture, label, split, *texts])


def _set(name: str, key: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/{key}"}, "field": fields}


def _field(of: str, name: str, data_type: str | list[str]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": f"{of}/{name}", "name": name, "dataType": data_type}


def _of_files(fact: str) -> dict[str, Any]:
    return {"fileSet": {"@id": "image-files"}, "extract": {"fileProperty": fact}}


def _of_table(column: str) -> dict[str, Any]:
    return {"fileObject": {"@id": "attribution"}, "extract": {"column": column}}
