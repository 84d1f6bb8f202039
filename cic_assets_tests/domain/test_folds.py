import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.folds import FOLDS, assign_folds


def _manifest(units: list[tuple[int, int]]) -> pd.DataFrame:
    """Units of so many pictures of so which label."""
    rows = [
        {"sha256": f"{unit:03}-{number}", "unit_id": f"u{unit}", "label": label}
        for unit, (size, label) in enumerate(units)
        for number in range(size)
    ]
    return pd.DataFrame(rows)


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), min_size=6, max_size=60),
    st.integers(0, 3),
)
def test_no_unit_is_in_two_folds_and_every_picture_in_one(units: list[tuple[int, int]], seed: int) -> None:
    manifest = _manifest([*[(1, label) for label in range(3) for _ in range(2)], *units])

    folds = assign_folds(manifest, seed=seed)

    assert (pd.Series(folds).groupby(manifest["unit_id"]).nunique() == 1).all()
    assert len(folds) == len(manifest)
    assert set(folds) <= set(range(FOLDS))


def test_classes_are_spread_evenly() -> None:
    manifest = _manifest([(1, unit % 2) for unit in range(100)])

    counts = pd.crosstab(assign_folds(manifest), manifest["label"])

    assert counts.to_numpy().tolist() == [[10, 10]] * 5


def test_the_order_of_the_rows_does_not_matter() -> None:
    manifest = _manifest([(1 + unit % 3, unit % 2) for unit in range(60)])
    shuffled = manifest.sample(frac=1, random_state=3)

    folds = pd.Series(assign_folds(shuffled), index=shuffled["sha256"])

    np.testing.assert_array_equal(folds[manifest["sha256"]], assign_folds(manifest))


def test_a_class_with_few_units_makes_fewer_folds() -> None:
    assert set(assign_folds(_manifest([(1, 0)] * 30 + [(4, 1)] * 3))) == {0, 1, 2}


def test_a_class_of_one_unit_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="in one unit"):
        assign_folds(_manifest([(1, 0)] * 30 + [(4, 1)]))
