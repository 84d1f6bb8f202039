"""The table of what `modern` is without each of its changes, out of records as the benchmark writes them."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "ablation.py"


@pytest.fixture(scope="module")
def ablation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ablation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record(change: str, *wrong: str, seed: int = 0, **settings: Any) -> dict[str, Any]:
    settings = {"input_size": 64, "epochs": 40, "width": 1.0, "cutmix": 0.0, **settings}
    return {
        "protocol": "ablation", "model": "vgg", "precision": "float32", "change": change, "seed": seed,
        "settings": settings, "right": 10 - len(wrong), "count": 10, "loss": 0.3, "wrong": list(wrong),
        "judged": list("abcdefghij"), "cpu_seconds": 1.0,
    }  # fmt: skip


def with_squares(*wrong: str, **more: Any) -> dict[str, Any]:
    return record("squares of other pictures in every other batch", *wrong, cutmix=0.5, **more)


def rows(ablation: ModuleType, *records: dict[str, Any]) -> list[dict[str, str]]:
    lines = [line for line in ablation.table(list(records)) if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def test_a_change_stands_beside_what_lacks_it(ablation: ModuleType) -> None:
    modern, changed = rows(ablation, record("modern", "a", "b", "c"), with_squares("c", "d"))
    assert (modern["right"], modern["than"], modern["p"]) == ("7 of 10", "", "")
    assert (changed["right"], changed["than"]) == ("8 of 10", "modern")
    assert (changed["gains"], changed["loses"], changed["p"]) == ("2", "1", "1")


def test_equal_mistakes_are_no_gain_and_no_loss(ablation: ModuleType) -> None:
    _, changed = rows(ablation, record("modern", "a"), with_squares("a"))
    assert (changed["gains"], changed["loses"], changed["p"]) == ("0", "0", "1")


def test_a_photo_that_several_seeds_judged_is_one(ablation: ModuleType) -> None:
    seeds = range(3)
    modern, changed = rows(
        ablation, *[record("modern", "a", "b", seed=seed) for seed in seeds],
        *[with_squares("b", "c", seed=seed) for seed in seeds],
    )  # fmt: skip
    assert (modern["right"], modern["interval"]) == ("24 of 30", "49.0% to 94.3%")  # of 8 of 10
    assert (changed["gains"], changed["loses"], changed["p"]) == ("1", "1", "1")


def test_only_seeds_that_both_have_are_compared(ablation: ModuleType) -> None:
    both = [record("modern", "a"), record("modern", "b", seed=1), with_squares("c", seed=1)]
    modern, changed = rows(ablation, *both)
    assert (modern["seeds"], modern["right"]) == ("0, 1", "18 of 20")
    assert (changed["seeds"], changed["gains"], changed["loses"]) == ("1", "1", "1")


def test_a_seed_without_all_its_folds_does_not_count(ablation: ModuleType) -> None:
    whole = [{**record("modern", name), "model": "xception", "fold": fold} for fold, name in enumerate("ab")]
    part = {**record("head alone", "a", head_epochs=1000), "model": "xception", "fold": 0}
    assert [row["otherwise"] for row in rows(ablation, *whole, part)] == ["modern"]


def test_other_settings_are_other_rows(ablation: ModuleType) -> None:
    shown = rows(ablation, record("modern"), record("modern", "a", width=0.5), with_squares("b", width=0.5))
    assert [(row["otherwise"], row["right"]) for row in shown] == [
        ("modern", "10 of 10"),
        ("modern", "9 of 10"),
        ("squares of other pictures in every other batch", "9 of 10"),
    ]


def test_a_change_of_the_augmentation_keeps_the_rest_of_it(ablation: ModuleType) -> None:
    changed = ablation.with_change({"augmentation": {"flip": False}}, {"augmentation": {"zoom": (1, 1)}, "epochs": 3})
    assert changed == {"augmentation": {"flip": False, "zoom": (1, 1)}, "epochs": 3}


@pytest.mark.slow
def test_nets_that_no_settings_make(ablation: ModuleType) -> None:
    import keras
    import numpy as np

    from cic_assets.domain.models import ModelSettings
    from cic_assets.domain.models.networks import build_classifier

    model = build_classifier(
        ModelSettings(architecture="vgg", width=0.1, input_size=64, progressive_resizing=(1.0,)), 2
    ).model
    plain = ablation.without_normalisation(keras.Model(model.input, model.get_layer("logits").output))
    outputs = [plain.get_layer(name).output for name in ("block1_conv1", "block1_conv1_bn")]
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    before, after = keras.Model(plain.input, outputs)(pictures, training=True)
    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    flat = ablation.with_flatten(keras.Model(model.input, model.get_layer("logits").output))
    assert flat.get_layer("logits").kernel.shape[0] == 4 * 4 * model.get_layer("logits").kernel.shape[0]
