import pandas as pd
import pytest

from cic_assets.domain.dataset import QUALITY_ISSUES, find_quality_issues

GOOD = {"sha256": "a", "klass": "car", "brightness": 0.5, "sharpness": 900.0, "flatness": 0.1, "width": 640,
        "height": 480, "upscaled": False}  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("dark", {"brightness": 0.05}),
        ("blurred", {"sharpness": 20.0}),
        ("flat", {"flatness": 0.9}),
        ("cropped", {"width": 1000}),
        ("cropped", {"height": 2000}),
        ("enlarged", {"upscaled": True}),
    ],
)
def test_each_fault_is_found(fault, changes):
    flagged = find_quality_issues(pd.DataFrame([GOOD, {**GOOD, **changes, "sha256": "b"}]))
    assert list(flagged["sha256"]) == ["b"]
    assert list(flagged["issues"]) == [fault]
    assert flagged.iloc[0][list(QUALITY_ISSUES)].to_dict() == {name: name == fault for name in QUALITY_ISSUES}


def test_those_with_the_most_faults_come_first():
    rows = [{**GOOD, "sharpness": 1.0, "sha256": "b"}, {**GOOD, "sharpness": 1.0, "brightness": 0.0, "sha256": "c"}]
    flagged = find_quality_issues(pd.DataFrame([GOOD, *rows]))
    assert list(flagged["issues"]) == ["dark, blurred", "blurred"]


@pytest.mark.parametrize("table", [pd.DataFrame([GOOD]), pd.DataFrame([GOOD]).head(0), pd.DataFrame({"sha256": ["a"]})])
def test_nothing_is_found_where_nothing_is(table):
    flagged = find_quality_issues(table)
    assert flagged.empty
    assert set(QUALITY_ISSUES) <= set(flagged)
