"""Exports name whose pictures they hold, and hold none that may not be passed on, unless that is asked for."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.dataset import LAYOUTS, MANIFEST, DatasetError, export_dataset
from cic_assets.domain.dataset.exports.rights import COLUMNS
from cic_assets.storage import sha256_hex

BY, BY_SA, NC, OPEN = "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-2.0", ("CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0")
WITH_FILES = ("kaggle", "imagefolder")


@pytest.fixture
def license_all(root):
    """Gives pictures of the data set rights, as scrapes of open sources write them."""

    def write(licenses=OPEN, share=1.0):
        manifest = pd.read_parquet(root.dataset / MANIFEST)
        for key, rows in manifest.groupby("subreddit"):
            some = rows.head(round(len(rows) * share))
            numbers = some["post_id"].str.removeprefix("p")
            names = [licenses[int(number) // 2 % len(licenses)] for number in numbers]
            root.write_table(
                "raw_images",
                some[["sha256", "subreddit", "post_id"]].assign(
                    title=[f'Red "kite" {number}, Ünal' for number in numbers],
                    author=[f"Author {number}" for number in numbers],
                    author_url="https://commons.wikimedia.org/wiki/User:A",
                    license=names,
                    license_url=[f"https://creativecommons.org/{name}/" for name in names],
                    source_page=[f"https://commons.wikimedia.org/wiki/File:{number}.jpg" for number in numbers],
                    attribution="A, via Wikimedia Commons",
                    fetched_at="2026-03-01T12:00:00+00:00",
                ),
                key,
            )
        return manifest

    return write


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("tfrecord", "manifest")])
def test_every_author_is_named_with_title_licence_and_page(root, license_all, tmp_path, layout):
    manifest = license_all()
    export_dataset(root, layout, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "ATTRIBUTION.csv", dtype=str, keep_default_na=False)
    assert tuple(table.columns) == COLUMNS
    assert set(table["author"]) == {f"Author {name.removeprefix('p')}" for name in manifest["post_id"]}
    assert set(table["resized_sha256"]) == set(manifest["resized_sha256"])
    assert (table[[column for column in COLUMNS if column != "file"]] != "").all().all()
    assert table["title"].str.fullmatch(r'Red "kite" \d+, Ünal').all()
    for line in table.to_dict("records") if layout in WITH_FILES else []:
        assert sha256_hex((tmp_path / "out" / line["file"]).read_bytes()) == line["resized_sha256"]
        assert f"/{line['class']}/" in f"/{line['file']}"


def test_the_card_counts_licences_and_says_how_to_name_people(root, license_all, tmp_path):
    license_all()
    export_dataset(root, "kaggle", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "60 of 60 pictures have a licence that their source names" in card
    assert f"| [{BY}](https://creativecommons.org/{BY}/) | 20 |" in card
    assert "under ShareAlike" in card
    assert "license_link: ATTRIBUTION.csv" in card


def test_without_licences_nothing_is_said_of_them(root, tmp_path):
    export_dataset(root, "kaggle", tmp_path / "out")
    assert not (tmp_path / "out" / "ATTRIBUTION.csv").exists()
    assert not (tmp_path / "out" / "croissant.json").exists()
    assert "licence" not in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("tfrecord", "manifest")])
def test_what_may_not_be_passed_on_is_not_unless_that_is_asked_for(root, license_all, tmp_path, layout):
    license_all((BY, NC, "LicenseRef-GFDL"))
    message = "40 pictures may not be passed on by their licence (20 CC-BY-NC-2.0, 20 LicenseRef-GFDL): leave them out"
    with pytest.raises(DatasetError, match=re.escape(message)) as refusal:
        export_dataset(root, layout, tmp_path / "out")
    assert "--all-rights" in str(refusal.value)
    assert not (tmp_path / "out").exists()
    export_dataset(root, layout, tmp_path / "out", all_rights=True)
    table = pd.read_csv(tmp_path / "out" / "ATTRIBUTION.csv")
    assert table["license"].value_counts().to_dict() == {BY: 20, NC: 20, "LicenseRef-GFDL": 20}


def test_a_manifest_passes_on_no_picture_and_names_nobody(root, license_all, tmp_path):
    license_all((NC,))
    export_dataset(root, "manifest", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"manifest.csv", "README.md"}
    assert "Author" not in (tmp_path / "out" / "manifest.csv").read_text()


def test_croissant_is_written_where_every_picture_has_a_licence(root, license_all, tmp_path):
    license_all(share=0.5)
    export_dataset(root, "kaggle", tmp_path / "half")
    assert not (tmp_path / "half" / "croissant.json").exists()
    assert len(pd.read_csv(tmp_path / "half" / "ATTRIBUTION.csv")) == 30
    license_all()
    for name in ("one", "two"):
        export_dataset(root, "kaggle", tmp_path / name)
    texts = [(tmp_path / name / "croissant.json").read_text() for name in ("one", "two")]
    assert texts[0] == texts[1]
    said = json.loads(texts[0])
    assert said["license"] == [f"https://creativecommons.org/{name}/" for name in sorted(OPEN)]
    table = (tmp_path / "one" / "ATTRIBUTION.csv").read_bytes()
    assert said["distribution"][0]["sha256"] == sha256_hex(table)


@pytest.mark.filterwarnings("ignore")  # those of mlcroissant and what it brings
@pytest.mark.parametrize("layout", WITH_FILES)
def test_croissant_s_own_library_reads_every_picture_with_its_author(root, license_all, tmp_path, layout, monkeypatch):
    import mlcroissant as croissant

    manifest = license_all()
    export_dataset(root, layout, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    dataset = croissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert list(dataset.metadata.ctx.issues.errors) == []
    assert list(dataset.metadata.ctx.issues.warnings) == []
    records = list(dataset.records(record_set="images"))
    assert len(records) == 60
    by_author = {record["images/author"].decode(): record for record in records}
    for row in manifest.to_dict("records"):
        record = by_author[f"Author {row['post_id'].removeprefix('p')}"]
        assert record["images/label"].decode() == row["klass"]
        assert record["images/split"].decode() == row["split"]
        assert np.asarray(record["images/image"]).shape == (32, 32, 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("layout", ["imagefolder", "parquet"])
def test_hugging_face_takes_no_attribution_for_data(root, license_all, tmp_path, layout, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    license_all()
    export_dataset(root, layout, tmp_path / "out")
    read = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert sum(read[split].num_rows for split in read) == 60
    assert read["train"].features["label"] == datasets.ClassLabel(names=["car", "tank"])
