import pytest
from pydantic import ValidationError

from cic_assets.domain.models import AcceleratorSettings, AugmentationSettings, ModelSettings, default_models

NAMES = ("vgg", "peetz_net", "xception")


def original(architecture: str, **given: object) -> ModelSettings:
    return ModelSettings.model_validate({"architecture": architecture, "variant": "original", **given})


def test_default_models_are_the_three_in_their_modern_variant() -> None:
    models = default_models()
    assert tuple(models) == NAMES
    for name, settings in models.items():
        assert settings.variant == "modern"
        assert settings.patience is None
        # What keeps the last epoch from being a chance one: the average, or a rate that has fallen to nothing.
        assert (settings.schedule, settings.ema > 0) == (
            ("cosine", False) if name == "xception" else ("constant", True)
        )
        assert not settings.cutmix


def test_the_original_is_as_the_notebooks() -> None:
    models = {name: original(name) for name in NAMES}
    assert {name: settings.epochs for name, settings in models.items()} == {"vgg": 20, "peetz_net": 20, "xception": 4}
    for settings in models.values():
        assert (settings.input_size, settings.batch_size, settings.learning_rate) == (224, 20, 1e-3)
        assert (settings.patience, settings.schedule, settings.progressive_resizing) == (5, "constant", (1.0,))
        assert not any((settings.weight_decay, settings.label_smoothing, settings.cutmix, settings.ema))
        assert settings.augmentation == AugmentationSettings()


def test_a_part_of_the_augmentation_leaves_the_rest_to_the_variant() -> None:
    usual = ModelSettings(architecture="vgg").augmentation
    given = ModelSettings.model_validate({"architecture": "vgg", "augmentation": {"flip": False}}).augmentation
    assert given == usual.model_copy(update={"flip": False})
    assert usual.zoom[0] < 1


def test_augmentation_defaults_are_the_originals() -> None:
    settings = AugmentationSettings()
    assert (settings.rotation, settings.brightness, settings.flip) == (10.0, (0.9, 1.1), True)
    assert settings.zoom == settings.contrast == settings.saturation == (1.0, 1.0)


def test_given_settings_win_over_those_of_the_architecture() -> None:
    assert ModelSettings(architecture="xception", epochs=9).epochs == 9
    assert original("xception").epochs == 4


def test_settings_survive_json() -> None:
    settings = ModelSettings(architecture="xception", width=0.5)
    assert ModelSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"architecture": "xception"}, 5),
        ({"architecture": "xception", "folds": 0}, 0),
        ({"architecture": "xception", "head_epochs": 29}, 0),  # more learns than the last layer
        ({"architecture": "xception", "augmentation": {"flip": True}}, 0),  # no features are computed once
        ({"architecture": "xception", "variant": "original"}, 0),
        ({"architecture": "vgg"}, 0),
        ({"architecture": "vgg", "folds": 3}, 3),
    ],
)
def test_in_how_many_folds_a_model_is_judged(given: dict[str, object], count: int) -> None:
    assert ModelSettings.model_validate(given).fold_count == count


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"architecture": "xception"}, 3),
        ({"architecture": "xception", "seeds": 1}, 1),
        ({"architecture": "xception", "head_epochs": 29}, 1),
        ({"architecture": "xception", "variant": "original"}, 1),
        ({"architecture": "vgg"}, 1),
        ({"architecture": "vgg", "seeds": 2}, 2),
    ],
)
def test_with_how_many_seeds_a_model_is_trained(given: dict[str, object], count: int) -> None:
    assert ModelSettings.model_validate(given).seed_count == count


def test_how_a_model_is_judged_does_not_make_another_model() -> None:
    one, other = (ModelSettings(architecture="vgg", folds=count, seeds=count) for count in (None, 5))
    assert one.of_training == other.of_training
    assert {*one.of_training, "folds", "seeds"} == set(one.model_dump(by_alias=True))


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"architecture": "resnet"}, "architecture"),
        ({}, "architecture"),
        ({"architecture": "vgg", "variant": "futuristic"}, "variant"),
        ({"architecture": "vgg", "width": 0}, "width"),
        ({"architecture": "vgg", "input_size": 8}, "input_size"),
        ({"architecture": "xception", "input_size": 64}, "input_size"),
        ({"architecture": "vgg", "learning_rate": 0}, "learning_rate"),
        ({"architecture": "vgg", "filters": 3}, "filters"),
        ({"architecture": "vgg", "progressive_resizing": []}, "progressive_resizing"),
        ({"architecture": "vgg", "progressive_resizing": [0.5, 1.5]}, "progressive_resizing"),
        ({"architecture": "vgg", "variant": "original", "progressive_resizing": [0.5, 1]}, "progressive_resizing"),
        ({"architecture": "xception", "progressive_resizing": [0.5, 1]}, "progressive_resizing"),
        ({"architecture": "xception", "cutmix": 0.5}, "cutmix"),
        ({"architecture": "xception", "optimizer": "muon"}, "optimizer"),
        ({"architecture": "vgg", "head_epochs": 2}, "head_epochs"),
        ({"architecture": "vgg", "folds": 1}, "folds"),
        ({"architecture": "vgg", "folds": -1}, "folds"),
        ({"architecture": "vgg", "seeds": 0}, "seeds"),
        ({"architecture": "vgg", "augmentation": {"brightness": [1.1, 0.9]}}, "brightness"),
        ({"architecture": "vgg", "augmentation": {"zoom": [0.5, 1.5]}}, "zoom"),
    ],
)
def test_wrong_settings_name_their_key(given: dict[str, object], key: str) -> None:
    with pytest.raises(ValidationError) as error:
        ModelSettings.model_validate(given)
    assert key in str(error.value)


def test_a_cpu_cannot_be_required_to_be_a_gpu() -> None:
    with pytest.raises(ValidationError, match="require"):
        AcceleratorSettings(device="cpu", require=True)
    assert AcceleratorSettings(device="gpu").needs_gpu
    assert AcceleratorSettings(require=True).needs_gpu
    assert not AcceleratorSettings().needs_gpu
