import dataclasses
import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pandas as pd
import pytest

from cic_assets.domain.evaluation import (
    ReportData,
    ReportInputError,
    ReportSettings,
    build_report,
    load_report_inputs,
    read_report,
    report_tables,
    write_report,
)
from cic_assets.domain.overrides import LabelDecisions

from .conftest import World


def only_vgg(inputs):
    return {"vgg": inputs.models["vgg"]}


class TestContract:
    """What others rely on."""

    def test_keys_of_the_design(self, report):
        content = report.json
        assert content["schema_version"] == 1
        assert {"dataset", "models", "answer", "comparisons", "provenance"} <= content.keys()
        assert list(content["models"]) == ["vgg", "peetz_net", "xception"]
        for model in content["models"].values():
            assert {
                "accuracy", "accuracy_ci", "confusion", "per_class", "epochs", "train_seconds", "peak_rss_bytes",
                "peak_gpu_bytes", "parameters",
            } <= model.keys()  # fmt: skip
            low, high = model["accuracy_ci"]
            assert 0 <= low <= model["accuracy"] <= high <= 1
            assert set(model["per_class"]) == {"car", "tank"}

    def test_every_part_of_the_contract_says_what_it_is(self):
        schema = ReportData.model_json_schema()
        parts = {"ReportData": schema, **schema["$defs"]}
        assert [name for name, part in parts.items() if not part.get("description")] == []

    def test_every_number_with_a_unit_names_it(self):
        schema = ReportData.model_json_schema()
        vague = [
            f"{part}.{name}"
            for part, content in schema["$defs"].items()
            for name, field in content["properties"].items()
            if re.search("(time|size|memory|duration)$", name) and not field.get("description")
        ]
        assert vague == []

    def test_is_plain_json(self, report):
        assert json.loads(json.dumps(report.json, allow_nan=False)) == report.json

    def test_the_data_set_adds_up(self, report, world):
        dataset = report.data.dataset
        assert dataset.pictures == sum(part.pictures for part in dataset.per_class.values()) == len(world.manifest)
        assert dataset.pictures == sum(source.kept for source in dataset.sources.values())
        assert dataset.pictures == sum(sum(of_split.values()) for of_split in dataset.counts.values())
        assert list(dataset.counts) == ["train", "validation", "test"]
        car = dataset.sources["carporn"]
        assert (car.posts, car.media, car.images, car.kept) == (44, 44, 40, 38)
        assert car.outcomes == {"ok": 40, "skipped": 2, "http_error": 1, "timeout": 1}
        assert sum(car.outcomes.values()) == car.media
        for source in dataset.sources.values():
            assert source.kept == source.files - source.copies_left_out - source.in_conflict
        assert dataset.duplicates.model_dump() == {
            "groups": 3, "copies_left_out": 2, "label_conflicts": 1, "pictures_in_conflict": 2
        }  # fmt: skip

    def test_sizes_before_and_after(self, report, world):
        for klass, part in report.data.dataset.per_class.items():
            shas = world.manifest.loc[world.manifest["klass"] == klass, "sha256"]
            assert part.bytes_before == sum(len(world.root.images.get(sha, "jpeg")) for sha in shas)
            assert part.bytes_after == sum(len(world.root.resized(64).get(sha, "jpeg")) for sha in shas)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A world in which somebody decided about classes, and its report; tests only read them."""
    world = World(tmp_path_factory.mktemp("decided"))
    of = {klass: rows["sha256"].tolist() for klass, rows in world.raw.groupby("klass")}
    # A car that is a tank, by way of its copy; the picture in two classes is one; two cars are nothing.
    labels = ((of["car"][1], "tank"), (of["car"][10], "tank"), (of["tank"][2], "tank"))
    world.write_data(LabelDecisions(labels, (of["car"][5], of["car"][6])))
    world.write_model("vgg")
    return world, build_report(load_report_inputs(world.root, world.question()))


class TestDecisions:
    """What a person decided about classes, in numbers that add up all the same."""

    def test_sources_add_up(self, decided):
        world, report = decided
        dataset = report.data.dataset
        car, tank = dataset.sources["carporn"], dataset.sources["tankporn"]
        assert (car.klass, car.relabelled, car.left_out_by_hand, car.in_conflict, car.kept) == ("car", 3, 2, 0, 37)
        assert (tank.klass, tank.relabelled, tank.left_out_by_hand, tank.in_conflict, tank.kept) == (
            "tank",
            0,
            0,
            0,
            38,
        )
        for source in dataset.sources.values():
            assert source.kept == source.files - source.copies_left_out - source.in_conflict - source.left_out_by_hand
            assert source.kept == sum(source.splits.values())
        assert {klass: part.pictures for klass, part in dataset.per_class.items()} == {"car": 34, "tank": 41}
        assert dataset.pictures == len(world.manifest) == 75
        assert (dataset.duplicates.label_conflicts, dataset.duplicates.copies_left_out) == (0, 3)

    def test_each_source_s_score_is_by_the_class_that_a_person_said(self, decided):
        world, report = decided
        rows = world.manifest.set_index("sha256")
        predictions = pd.read_parquet(world.root.model("vgg") / "predictions.parquet")
        test = predictions[predictions["split"] == "test"]
        for source, of_source in test.groupby(test["sha256"].map(rows["subreddit"])):
            score = report.data.models["vgg"].per_source[source]
            right = of_source["predicted"] == of_source["sha256"].map(rows["klass"])
            assert (score.n, score.right) == (len(of_source), right.sum())

    def test_it_says_so(self, decided):
        page = decided[1].html
        said = "By hand: 3 pictures of another class than their source&#39;s and 2 pictures left out as of no class"
        assert said in page
        assert "One picture, several classes" not in page
        assert page.count("left out by hand") == 2

    def test_where_nobody_decided_nothing_is_said(self, report):
        assert "By hand:" not in report.html
        assert "left out by hand" not in report.html
        assert "One picture, several classes" in report.html


class TestVersion:
    def test_does_not_count_the_date(self, report):
        later = dataclasses.replace(report, data=report.data.model_copy(update={"generated_at": "2030-01-01"}))
        assert later.version == report.version

    def test_counts_every_number(self, report):
        settings = {**report.data.settings, "name": "another"}
        other = dataclasses.replace(report, data=report.data.model_copy(update={"settings": settings}))
        assert other.version != report.version


def test_the_date_is_that_of_the_inputs(inputs, report):
    later = dataclasses.replace(inputs, generated_at=datetime(2030, 1, 1, tzinfo=UTC), models=only_vgg(inputs))
    again = build_report(later)
    assert again.data.generated_at == "2030-01-01T00:00:00+00:00"
    assert again.data.models["vgg"] == report.data.models["vgg"]


class TestWrite:
    def test_page_numbers_and_figures(self, report, world, tmp_path):
        root = type(world.root)(str(tmp_path / "elsewhere"))
        assert write_report(report, root) == root.report / "report.html"
        assert (root.report / "report.html").read_text() == report.html
        assert read_report(root) == report.data
        assert {path.stem for path in (root.report / "figures").glob("*.svg")} == set(report.figures)

    def test_an_earlier_figure_does_not_stay(self, report, world, tmp_path):
        root = type(world.root)(str(tmp_path / "elsewhere"))
        write_report(dataclasses.replace(report, figures={**report.figures, "confusion-old": "<svg></svg>"}), root)
        write_report(report, root)
        assert not (root.report / "figures" / "confusion-old.svg").exists()
        assert (root.report / "figures" / "accuracy.svg").exists()

    def test_on_an_object_store(self, report):
        from cic_assets.storage import DataRoot

        root = DataRoot("memory://report-test")
        write_report(report, root)
        assert read_report(root).answer == report.data.answer

    def test_nothing_there(self, world, tmp_path):
        root = type(world.root)(str(tmp_path / "empty"))
        with pytest.raises(ReportInputError, match=r"report.json is missing: materialize evaluation_report in the UI"):
            report_tables(root)

    @pytest.mark.parametrize("text", ["{}", "", "[1]", '{"answer": 3}'])
    def test_another_versions_report(self, world, tmp_path, text):
        root = type(world.root)(str(tmp_path / "old"))
        root.report.mkdir(parents=True)
        (root.report / "report.json").write_text(text)
        with pytest.raises(ReportInputError, match=r"report.json is no report of this version .*: materialize"):
            read_report(root)


def test_any_number_of_classes(new_world):
    world = new_world(classes=["car", "tank", "bike", "a$b", "e"], each=24)
    world.write_model("vgg", skill=0.6)
    report = build_report(load_report_inputs(world.root, world.question()))
    assert len(report.data.models["vgg"].confusion) == 5
    assert "worst class" in report.html
    assert report.data.comparisons == []
    write_report(report, world.root)
    assert "bike" in report_tables(world.root)


def test_no_duplicates_and_no_mistakes(new_world):
    world = new_world(each=24)
    world.groups = world.groups.head(0)
    world.write_data()
    world.write_model("vgg", skill=1.0)
    report = build_report(load_report_inputs(world.root, world.question()))
    assert "made no mistake" in report.html
    assert report.data.dataset.duplicates.groups == 0
    assert report.data.models["vgg"].accuracy == 1.0


class TestNotices:
    def test_drawn_pictures_and_random_weights_are_said_first(self, new_world):
        world = new_world(each=24, sample=True)
        world.write_model("xception", skill=0.97, random_weights=True, warnings=["It <b>overfits</b>."])
        report = build_report(load_report_inputs(world.root, world.question()))
        assert [notice.kind for notice in report.data.notices] == ["sample", "random_weights", "model"]
        before_the_answer = report.html.partition('id="answer"')[0]
        assert "These pictures are drawn." in before_the_answer
        assert "started from random weights" in before_the_answer
        assert "It &lt;b&gt;overfits&lt;/b&gt;." in before_the_answer
        write_report(report, world.root)
        assert "These pictures are drawn." in report_tables(world.root)

    def test_real_pictures_have_none(self, report):
        assert report.data.notices == []
        assert 'class="notice"' not in report.html


def test_tables_for_the_terminal(report, world):
    write_report(report, world.root)
    text = report_tables(world.root)
    for part in ("Scraping and cleaning", "r/Carporn", "Final set", "Models", "Xception", "95 % interval"):
        assert part in text
    model = report.data.models["xception"]
    assert f"{model.right} of {model.n}" in text
    assert "\x1b" not in text


def test_settings_bound_what_is_shown(inputs, report):
    small = build_report(
        inputs, ReportSettings(samples_per_class=1, mistakes=1, other_mistakes=1, certain=1, resized=1)
    )
    assert small.html.count("<img") < report.html.count("<img") / 2
    assert small.data == report.data


@pytest.mark.slow
def test_importing_it_is_light():
    code = (
        "import sys, cic_assets.domain.evaluation\n"
        "print([name for name in ('tensorflow', 'keras', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
