"""Settings that had another name once: old files mean the same, and say so; nothing that was made is out of date."""

import pytest
from click.testing import CliRunner

from cic_assets.cli import cli
from cic_assets.config.problem_file import ProblemError, load_problem
from cic_assets.domain.evaluation import ReportSettings
from cic_assets.domain.models import ModelSettings
from cic_assets.storage import content_version

SHORTEST = "name: cars\nclasses: {car: [r/carporn], tank: [r/tanks]}\n"
OLD = (
    "models: {vgg: {averaging: 0.5, progression: [0.5, 1]}}\nreport: {poor: 3}\n"
    "presets: {quick: {models: {vgg: {averaging: 0.4}}}}\n"
)
NEW = (
    "models: {vgg: {ema: 0.5, progressive_resizing: [0.5, 1]}}\nreport: {quality_issues: 3}\n"
    "presets: {quick: {models: {vgg: {ema: 0.4}}}}\n"
)


@pytest.fixture
def problem_file(tmp_path):
    def write(text):
        path = tmp_path / "problem.yaml"
        path.write_text(SHORTEST + text)
        return path

    return write


@pytest.mark.parametrize("preset", ["full", "demo", "quick"])
def test_old_names_mean_what_the_new_ones_do(problem_file, preset):
    with pytest.warns(FutureWarning) as warned:
        old = load_problem(problem_file(OLD), preset)
    assert old == load_problem(problem_file(NEW), preset)
    told = [str(one.message).partition("problem.yaml: ")[2] for one in warned]
    assert told == [
        "report.poor is called quality_issues now",
        "models.vgg.averaging is called ema now",
        "models.vgg.progression is called progressive_resizing now",
        "presets.quick.models.vgg.averaging is called ema now",
    ]


def test_a_setting_under_both_names_is_a_mistake(problem_file):
    text = "models: {vgg: {averaging: 0.5, ema: 0.6}}\n"
    with pytest.raises(ProblemError, match=r"models\.vgg: averaging is the old name of ema"):
        load_problem(problem_file(text))


def test_a_command_says_it_in_a_line_each_and_goes_on(problem_file, tmp_path):
    path = problem_file(OLD + "dagster: {home: [1]}\n")
    result = CliRunner().invoke(cli, ["run", "--problem", str(path), "--data-root", str(tmp_path / "root")])
    assert f"Warning: {path}: report.poor is called quality_issues now\n" in result.stderr
    assert "dagster.home: found [1]" in result.stderr
    assert "FutureWarning" not in result.stderr


@pytest.mark.parametrize(
    ("architecture", "variant", "set_then", "version"),
    [
        (
            "vgg", "modern",
            {"schedule": "cosine", "warmup_epochs": 3, "weight_decay": 0.05, "cutmix": 0.5},
            "41fcd9990e72b313",
        ),
        ("xception", "original", {}, "e3cbbd5abf37ef80"),
    ],
)  # fmt: skip
def test_models_that_were_trained_before_are_not_trained_again_for_a_name(architecture, variant, set_then, version):
    """The code version of an asset, as it was made of the same settings, defaults of then, under their old names."""
    settings = ModelSettings(architecture=architecture, variant=variant, **set_then)
    assert content_version(1, settings.of_training) == version


def test_nor_are_reports_written_again():
    assert content_version(1, ReportSettings().model_dump(by_alias=True, exclude={"suspects"})) == "ee892e169805ba11"


def test_settings_in_old_cards_are_read_without_a_word():
    settings = ModelSettings(architecture="vgg", ema=0.5, progressive_resizing=(0.5, 1))
    assert ModelSettings.model_validate(settings.model_dump(mode="json", by_alias=True)) == settings
    assert ModelSettings.model_validate(settings.model_dump(mode="json")) == settings
