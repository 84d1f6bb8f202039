"""Models that are judged in folds: every number from one table, and words that say so."""

import json
import re
from statistics import stdev

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.evaluation import (
    ReportInputError,
    build_report,
    formats,
    judging,
    load_report_inputs,
    measure_accuracy,
    report_tables,
    write_report,
)
from cic_assets.domain.evaluation.answers import of_both
from cic_assets.domain.evaluation.intervals import share_interval
from cic_assets.domain.models import fit_calibration
from cic_assets_tests.domain.evaluation.test_page import Page

from .conftest import SEEDS_RIGHT


@pytest.fixture(scope="module")
def inputs(folds_world):
    return load_report_inputs(folds_world.root, folds_world.question())


@pytest.fixture(scope="module")
def report(inputs):
    return build_report(inputs)


def test_all_numbers_are_of_the_one_table(inputs, report):
    table, model = inputs.models["xception"].folds, report.data.models["xception"]
    right = (table["predicted"] == table["klass"]).to_numpy()
    assert (model.right, model.n) == (right.sum(), len(inputs.manifest))
    assert model.accuracy_ci == share_interval(right, np.arange(len(right)))
    assert sum(map(sum, model.confusion)) == model.n
    assert sum(score.n for score in model.per_source.values()) == model.n
    assert sum(score.support for score in model.per_class.values()) == model.n
    assert model.log_loss == pytest.approx(-np.log(table.apply(lambda row: row[f"p_{row['klass']}"], axis=1)).mean())
    assert (model.judged.where, model.judged.folds, model.judged.pictures) == ("folds", 4, model.n)
    assert (model.judged.wall_seconds, model.judged.cpu_seconds) == (11.0, 22.0)
    mistakes = [row for row in table.to_dict("records") if row["predicted"] != row["klass"]]
    assert f"mistakes among {model.n} pictures" in report.html
    assert all(f'data-picture="{row["sha256"]}"' in report.html for row in mistakes)


def test_what_other_seeds_make_of_it_stands_beside_them(inputs, report):
    models, n = report.data.models, len(inputs.manifest)
    seeds = models["xception"].seeds
    assert (seeds.seeds, seeds.where, seeds.n, tuple(seeds.right)) == ([0, 1, 2], "folds", n, SEEDS_RIGHT)
    assert (seeds.lowest, seeds.highest) == (68 / n, 73 / n)
    assert seeds.standard_deviation == pytest.approx(stdev(right / n for right in SEEDS_RIGHT))
    assert models["vgg"].seeds is None
    (row,) = re.findall("<h3>With another seed</h3>.*?<tbody>(.*?)</tbody>", report.html, re.DOTALL)
    assert "<td>3</td>" in row
    assert f"{n} <small>in 4 folds</small>" in row
    assert "<td>70, 68, 73</td>" in row
    assert f"{100 * 68 / n:.1f} % to {100 * 73 / n:.1f} %" in row
    assert f"<td>{100 * seeds.standard_deviation:.2f} %</td>" in row
    assert "VGG" not in row


def test_seeds_that_agree_have_one_accuracy(report):
    seeds = report.data.models["xception"].seeds
    alike = seeds.model_copy(update={"lowest": seeds.highest})
    assert judging.over_seeds(alike) == f"{100 * seeds.highest:.1f} % with each"


def test_the_model_itself_on_the_test_pictures_stands_beside_them(inputs, report):
    rows = inputs.models["xception"].of_split("test")
    tested = report.data.models["xception"].tested
    assert (tested.right, tested.n) == ((rows["predicted"] == rows["klass"]).sum(), len(rows))
    other = report.data.models["vgg"]
    assert (other.judged.where, other.judged.folds, other.n) == ("test", None, tested.n)
    assert other.tested.accuracy_ci == other.accuracy_ci


def test_models_are_compared_on_pictures_that_both_were_judged_on(inputs, report):
    (pair,) = report.data.comparisons
    one, other = of_both(inputs.judged("vgg"), inputs.judged("xception"))
    test = sorted(inputs.manifest.loc[inputs.manifest["split"] == "test", "sha256"])
    assert list(one.table["sha256"]) == list(other.table["sha256"]) == test
    assert pair.pictures == len(test)
    assert pair.only_first == (one.right & ~other.right).sum()
    assert pair.only_second == (other.right & ~one.right).sum()
    assert (other.table["judged"] != "test").all()


def test_each_fold_is_put_right_by_what_was_set_without_it(inputs, report):
    part, run = report.data.models["xception"].calibration, inputs.models["xception"]
    assert part.of_folds == [1.0, 2.0, 3.0, 4.0]
    rows = run.folds.sort_values("sha256")
    held = []
    for row in rows.to_dict("records"):
        how = run.card.folds.calibrations[row["fold"]]
        said = how.calibrated(np.array([[row["p_car"], row["p_tank"]]]))
        held.append(how.plausible(said)["95"][0, row["label"]])
    assert 0 < np.mean(held) < 1
    assert part.plausible["95"].coverage == pytest.approx(np.mean(held))
    validated = inputs.validated("xception")
    assert part.temperature == fit_calibration(validated.probabilities, validated.truth, validated.units).temperature


def test_the_page_says_what_was_judged_how(report):
    page = Page(report.html)
    assert (page.open, page.badly_nested) == ([], [])
    text = " ".join(" ".join(page.text).split())
    model = report.data.models["xception"]
    assert f"named {model.right} of {model.n} pictures rightly, each by a copy of it that was trained" in text
    assert f"{model.n} in 4 folds" in text
    assert f"test {formats.percent(model.tested.accuracy)}" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert f"{report.data.models['vgg'].n} test pictures" in text
    assert "The others are measured on the test pictures" in text
    assert "In folds those of 1.00 to 4.00, set by other pictures in each, make" in text


def test_only_models_that_were_asked_count_as_wrong_too(folds_world, inputs, report):
    from cic_assets.domain.evaluation import ReportSettings
    from cic_assets.domain.evaluation.gallery import Gallery

    tested = set(inputs.judged("vgg").table["sha256"])
    shown = Gallery(inputs, ReportSettings()).mistakes("xception", 100).items
    assert {item.picture.sha256: item.others for item in shown} == {
        item.picture.sha256: int(item.picture.sha256 in tested) for item in shown
    }
    assert {item.others for item in shown} == {0, 1}


def test_the_terminal_has_both(folds_world, report):
    write_report(report, folds_world.root)
    text = report_tables(folds_world.root)
    model = report.data.models["xception"]
    assert "Models, on the test pictures and in folds" in text
    rows = [line.split("│")[1:5] for line in text.splitlines() if "Xception: " in line]
    for row, part in zip(rows, (model, model.tested), strict=True):
        assert row[1].strip() == formats.percent(part.accuracy)
        assert row[2].strip() == formats.interval(part.accuracy_ci)
        assert row[3].strip() == f"{part.right} of {part.n}"
    assert [row[0].strip() for row in rows] == ["Xception: folds", "Xception: test"]


def test_right_after_the_training_both_are_known(folds_world, inputs, report):
    found = measure_accuracy(folds_world.root.model("xception"), inputs.manifest)
    model = report.data.models["xception"]
    assert found["folds"] == (model.accuracy, model.accuracy_ci)
    assert found["test"] == (model.tested.accuracy, model.tested.accuracy_ci)
    assert list(measure_accuracy(folds_world.root.model("vgg"), inputs.manifest)) == ["test"]
    there = inputs.manifest[inputs.manifest["split"] == "train"]
    assert list(measure_accuracy(folds_world.root.model("xception"), there)) == ["folds"]


class TestRefuses:
    @pytest.fixture
    def world(self, new_world):
        made = new_world(each=24)
        made.write_model("xception")
        made.judge_in_folds("xception")
        return made

    def test_folds_that_are_gone(self, world):
        (world.root.model("xception") / "folds.parquet").unlink()
        with pytest.raises(ReportInputError, match=r"folds.parquet is missing"):
            load_report_inputs(world.root, world.question())

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda table: table.drop(columns="fold"), r"lacks the column fold"),
            (lambda table: table[3:], r"are not the \d+ of the data set"),
            (lambda table: pd.concat([table, table[:1]]), r"are not the \d+ of the data set"),
            (lambda table: table.assign(fold=4), r"`fold` is not one of the 4"),
            (lambda table: table.assign(p_car=2.0), r"between 0 and 1"),
        ],
    )
    def test_folds_that_do_not_fit(self, world, change, message):
        path = world.root.model("xception") / "folds.parquet"
        change(pd.read_parquet(path)).to_parquet(path, index=False)
        with pytest.raises(ReportInputError, match=rf"models/xception/folds.parquet.*{message}"):
            load_report_inputs(world.root, world.question())


def test_a_model_of_before_is_judged_by_its_test_pictures(world, inputs):
    """A file that its card does not know of is not its own."""
    card = json.loads((world.root.model("vgg") / "card.json").read_text())
    card.pop("folds", None)
    (world.root.model("vgg") / "card.json").write_text(json.dumps(card))
    read = load_report_inputs(world.root, world.question())
    assert read.models["vgg"].folds is None
    assert read.judged("vgg").where == "test"
