"""What to do next, said only where an audit of this very data set says something; and the baseline of the models."""

import re

import numpy as np
import pytest
import yaml

from cic_assets.domain import audit
from cic_assets.domain.evaluation import build_report, load_report_inputs, take_off_report, write_report

from .conftest import numbers_of


def audited(world, *, wrong=3, odd=2, forecast=None, skill=0.9, version=None):
    """An audit as the graph leaves it; the answers are made up."""
    manifest = world.manifest.sort_values("sha256", ignore_index=True)
    random = np.random.default_rng(1)
    other = manifest["klass"].map({"car": "tank", "tank": "car"})
    right = random.random(len(manifest)) < skill
    rows = np.arange(len(manifest))
    table = manifest[["sha256", "unit_id", "subreddit", "klass", "label"]].assign(
        fold=rows % 5,
        predicted=manifest["klass"].where(right, other),
        p_car=0.5,
        p_tank=0.5,
        label_score=np.where(rows < wrong, 0.01 * (rows + 1), 0.9),
        likely_error=rows < wrong,
        likely_class=other,
        off_topic_score=np.where(rows >= len(rows) - odd, 0.8, 0.2),
        off_topic=rows >= len(rows) - odd,
    )
    summary = audit.Summary(
        dataset_version=version or world.info.version,
        pictures=len(table),
        audited=len(table),
        folds=5,
        curve=[audit.CurvePoint(pictures=n, units=n, accuracy=1 - 0.9 * n**-0.5, spread=0.01) for n in (8, 16, 32, 64)],
        forecast=forecast,
    )
    world.root.write_table("audit", table)
    audit.write_summary(world.root, summary)
    return table


FORECAST = audit.ForecastPart(a=0.9, b=0.5, c=0.0, more=80, gain=0.031, gain_ci=(0.012, 0.05))


@pytest.fixture
def world(new_world):
    made = new_world()
    made.write_model("vgg", 0.75)
    made.write_model("xception", 1.0)
    return made


def report_of(world):
    return build_report(load_report_inputs(world.root, world.question()))


def lines_of(page, section):
    """What a person copies out of the page."""
    block = next(part for part in page.split('<div class="lines">')[1:] if f"<code>{section}:</code>" in part)
    return yaml.safe_load("\n".join(re.findall(r"<code>(.*?)</code>", block.partition("</div>")[0])))


def test_without_an_audit_of_this_data_set_the_report_stays_as_it_is(world):
    before = report_of(world)
    assert (before.data.baseline, before.data.next_steps) == (None, None)
    assert "What to do next" not in before.html
    audited(world, version="another")
    assert numbers_of(world).next_steps is None


def test_the_lists_can_be_copied_into_overrides(world):
    table = audited(world)
    page = report_of(world).html
    wrong, odd = table[table["likely_error"]], table[table["off_topic"]]
    assert lines_of(page, "labels") == {"labels": dict(zip(wrong["sha256"], wrong["likely_class"], strict=True))}
    assert set(lines_of(page, "leave_out")["leave_out"]) == set(odd["sha256"])
    assert "all 3, the surest first" in page
    assert "all 2, the farthest first" in page


def test_a_picture_that_is_taken_down_leaves_no_line(world):
    table = audited(world)
    write_report(report_of(world), world.root)
    gone = table.loc[table["likely_error"], "sha256"].iloc[0]
    take_off_report(world.root, [gone], "2026-11-29T00:00:00+00:00", counted=True)
    page = (world.root.report / "report.html").read_text()
    assert gone not in page
    assert len(lines_of(page, "labels")["labels"]) == 2


def test_the_json_names_no_picture(world):
    table = audited(world)
    text = numbers_of(world).model_dump_json()
    assert not any(sha256 in text for sha256 in table["sha256"])


def test_each_model_is_compared_on_the_pictures_that_it_is_judged_on(world):
    table = audited(world, skill=0.8)
    report = report_of(world)
    data = report.data
    tested = set(world.manifest.loc[world.manifest["split"] == "test", "sha256"])
    own = table[table["sha256"].isin(tested)]
    rival = data.baseline.rivals["xception"]
    assert (rival.n, rival.right) == (len(tested), len(tested))
    assert rival.baseline_right == (own["predicted"] == own["klass"]).sum()
    assert rival.only_model == rival.n - rival.baseline_right
    assert rival.only_baseline == 0
    assert data.baseline.n == len(table)
    assert data.baseline.accuracy == pytest.approx((table["predicted"] == table["klass"]).mean())
    page = report.html
    assert "Xception is better than the baseline." in page
    assert "Not shown to be better: 26 test pictures do not decide." in page


def test_a_worse_model_is_said_to_be_worse(new_world):
    world = new_world(each=100)
    world.write_model("vgg", 0.5)
    audited(world, skill=1.0)
    assert "VGG is worse than the baseline" in report_of(world).html


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"wrong": 4, "odd": 1}, "Look at the likely label errors"),
        ({"wrong": 1, "odd": 4}, "Look at the pictures of no class"),
        ({"wrong": 1, "odd": 0, "forecast": FORECAST}, "Find more pictures"),
        ({"wrong": 0, "odd": 0}, "Nothing that this page can name"),
    ],
)
def test_what_promises_most_is_said_first(world, changes, first):
    audited(world, **changes)
    said = numbers_of(world).next_steps.statements
    assert said["First"].startswith(first)
    assert next(iter(said)) == "First"


def test_what_more_would_bring_is_said_with_its_interval_or_not_at_all(world):
    audited(world, forecast=FORECAST)
    report = report_of(world)
    assert (
        "80 more pictures of the same kind would bring the baseline about 3.1 points (from 1.2 to 5.0)" in report.html
    )
    assert "law through them" in report.figures["accuracy-by-pictures"]
    audited(world)
    report = report_of(world)
    assert "Nothing is said of what more pictures would bring" in report.html
    assert "law through them" not in report.figures["accuracy-by-pictures"]


def test_a_table_that_was_taken_down_from_is_read_as_it_is(world):
    table = audited(world)
    world.root.write_table("audit", table.iloc[1:])
    assert numbers_of(world).next_steps.label_errors == 2


def test_class_names_that_yaml_would_misread_are_quoted(new_world):
    world = new_world(classes=("no", "1e3"))
    world.write_model("vgg", 0.9)
    table = audited(world)
    other = table["klass"].map({"no": "1e3", "1e3": "no"})
    world.root.write_table("audit", table.assign(likely_class=other, predicted=table["klass"]))
    found = lines_of(report_of(world).html.replace("&#39;", "'"), "labels")["labels"]
    assert set(found.values()) <= {"no", "1e3"}
    assert all(isinstance(klass, str) for klass in found.values())


def test_one_is_no_plural(world):
    n = len(audited(world, wrong=1, odd=1))
    said = numbers_of(world).next_steps.statements
    assert said["Labels"].startswith(f"1 picture of {n} is likely of another class than its source's. Who looks at it ")
    assert said["Pictures of no class"].startswith(f"1 picture of {n} is far from all others")
