"""Which epochs see pictures of which side, and what learns in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.stages import side_of_epoch, stages_of, work_left


def settings(**given: object) -> ModelSettings:
    return ModelSettings.model_validate(
        {"architecture": "vgg", "input_size": 128, "progressive_resizing": [1.0], **given}
    )


def test_pictures_grow_in_equal_parts() -> None:
    stages = stages_of(settings(epochs=9, progressive_resizing=[0.5, 0.75, 1]))
    assert [(stage.first, stage.end, stage.side) for stage in stages] == [(0, 3, 64), (3, 6, 96), (6, 9, 128)]
    assert len({stage.course for stage in stages}) == 1
    assert [side_of_epoch(stages, epoch) for epoch in (0, 2, 3, 8, 9)] == [64, 64, 96, 128, 128]


def test_sides_are_multiples_of_eight_and_not_too_small() -> None:
    (stage,) = stages_of(settings(input_size=100, progressive_resizing=[0.7]))
    assert stage.side == 72
    (stage,) = stages_of(settings(input_size=40, progressive_resizing=[0.3]))
    assert stage.side == 32
    (stage,) = stages_of(settings(input_size=100))
    assert stage.side == 100


def test_the_head_learns_first_with_a_schedule_of_its_own() -> None:
    given = {
        "architecture": "xception",
        "epochs": 10,
        "head_epochs": 6,
        "learning_rate": 0.01,
        "fine_tuning_rate": 0.001,
    }
    head, rest = (stage.course for stage in stages_of(settings(**given)))
    assert (head.first, head.end, head.learning_rate, head.head_only) == (0, 6, 0.01, True)
    assert (rest.first, rest.end, rest.learning_rate, rest.head_only) == (6, 10, 0.001, False)
    (only,) = stages_of(settings(**{**given, "epochs": 4}))
    assert (only.course.epochs, only.course.head_only) == (4, True)


@given(
    epochs=st.integers(1, 50),
    progressive_resizing=st.lists(st.floats(0.1, 1), min_size=1, max_size=6),
    input_size=st.integers(32, 300),
)
def test_every_epoch_is_in_one_stage(epochs: int, progressive_resizing: list[float], input_size: int) -> None:
    stages = stages_of(settings(epochs=epochs, progressive_resizing=progressive_resizing, input_size=input_size))
    assert [epoch for stage in stages for epoch in range(stage.first, stage.end)] == list(range(epochs))
    assert all(stage.first < stage.end for stage in stages)
    assert all(32 <= stage.side <= input_size for stage in stages)


def test_the_work_that_is_left_goes_by_area() -> None:
    stages = stages_of(settings(epochs=4, progressive_resizing=[0.5, 1]))
    assert work_left(stages, 0, 0) == 2 + 2 * 4
    assert work_left(stages, 0, 0.5) == pytest.approx(1.5 + 2 * 4)
    assert work_left(stages, 1, 2) == 2 * 4
    assert work_left(stages, 2, 3) == 1
    assert work_left(stages, 3, 4) == 0
