import pandas as pd
import pytest

from cic_assets.domain.dataset import FAULTS, find_poor

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
    poor = find_poor(pd.DataFrame([GOOD, {**GOOD, **changes, "sha256": "b"}]))
    assert list(poor["sha256"]) == ["b"]
    assert list(poor["faults"]) == [fault]
    assert poor.iloc[0][list(FAULTS)].to_dict() == {name: name == fault for name in FAULTS}


def test_those_with_the_most_faults_come_first():
    rows = [{**GOOD, "sharpness": 1.0, "sha256": "b"}, {**GOOD, "sharpness": 1.0, "brightness": 0.0, "sha256": "c"}]
    poor = find_poor(pd.DataFrame([GOOD, *rows]))
    assert list(poor["faults"]) == ["dark, blurred", "blurred"]


@pytest.mark.parametrize("table", [pd.DataFrame([GOOD]), pd.DataFrame([GOOD]).head(0), pd.DataFrame({"sha256": ["a"]})])
def test_nothing_is_found_where_nothing_is(table):
    poor = find_poor(table)
    assert poor.empty
    assert set(FAULTS) <= set(poor)
