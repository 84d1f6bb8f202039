import pandas as pd
import pytest

from cic_assets.config.problem_file import load_problem
from cic_assets.domain.evaluation import ReportInputError, load_report_inputs
from cic_assets.domain.models import CardMismatchError


def load(world, **changes):
    return load_report_inputs(world.root, world.question(**changes))


def test_reads_everything(world):
    inputs = load(world)
    assert inputs.question == "Car or tank?"
    assert list(inputs.models) == ["vgg", "peetz_net", "xception"]
    assert [(source.key, source.label, source.klass) for source in inputs.sources] == [
        ("carporn", "r/Carporn", "car"),
        ("tankporn", "r/Tankporn", "tank"),
    ]
    assert len(inputs.raw) == 84
    assert len(inputs.manifest) == 76
    runs = list(inputs.models.values())
    assert all(list(run.of_split("test")["sha256"]) == list(runs[0].of_split("test")["sha256"]) for run in runs)


def test_a_real_problem_is_a_question(world, tmp_path):
    file = tmp_path / "problem.yaml"
    file.write_text("name: cars\nclasses: {car: [r/carporn], tank: [r/tankporn, 'folder:secret/place']}\n")
    problem = load_problem(file)
    with pytest.raises(FileNotFoundError, match="place"):
        load_report_inputs(world.root, problem)  # that source was never scraped
    file.write_text("name: cars\nclasses: {car: [r/carporn], tank: [r/tankporn]}\n")
    inputs = load_report_inputs(world.root, load_problem(file))
    assert inputs.question == "car or tank?"
    assert "classes" not in inputs.settings
    assert inputs.settings["dataset"]["side"] == 256


def test_a_folder_is_called_by_its_name_alone(world):
    partition = world.question().partitions["carporn"]
    partition.source.kind, partition.source.value = "folder", "/home/somebody/cars"
    inputs = load(world, partitions={"carporn": partition})
    assert inputs.sources[0].label == "folder:cars"


def test_question_marks_itself_when_nobody_asked(world):
    assert load(world, question="").question == "car or tank?"


class TestRefuses:
    @pytest.fixture
    def world(self, new_world):
        made = new_world(each=24)
        made.write_model("vgg")
        return made

    def test_no_models(self, world):
        with pytest.raises(ReportInputError, match="no models: train at least one"):
            load(world, models={})

    def test_a_model_that_was_not_trained(self, world):
        with pytest.raises(FileNotFoundError, match=r"xception/card.json is missing"):
            load(world, models={"xception": None})

    def test_another_data_set(self, world, edit_json):
        edit_json(world.root.model("vgg") / "card.json", data_version="0123456789abcdef")
        with pytest.raises(ReportInputError, match=r"models/vgg/card.json: data_version is 0123.*train vgg again"):
            load(world)

    def test_other_classes(self, world, edit_json):
        edit_json(world.root.model("vgg") / "card.json", labels=["tank", "car"])
        with pytest.raises(ReportInputError, match=r"models/vgg/card.json: labels are \['tank', 'car'\]"):
            load(world)

    def test_a_card_of_another_kind(self, world, edit_json):
        edit_json(world.root.model("vgg") / "card.json", history="long")
        with pytest.raises(CardMismatchError, match=r"card.json: history"):
            load(world)

    def test_a_missing_data_set(self, world):
        (world.root.dataset / "manifest.parquet").unlink()
        with pytest.raises(ReportInputError, match=r"manifest.parquet is missing"):
            load(world)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda table: table.drop(columns="p_tank"), r"lacks the column p_tank"),
            (lambda table: table[table["split"] == "test"], r"no predictions for the validation split"),
            (lambda table: table.drop(index=table[table["split"] == "test"].index[:1]), r"are not the \d+ of the test"),
            (lambda table: table.assign(p_car=2.0), r"between 0 and 1"),
            (lambda table: table.assign(label=7), r"labels must be whole numbers from 0 to 1"),
            (lambda table: table.assign(predicted="car"), r"`predicted` is not the class of the highest"),
        ],
    )
    def test_predictions_that_do_not_fit(self, world, change, message):
        path = world.root.model("vgg") / "predictions.parquet"
        change(pd.read_parquet(path)).to_parquet(path, index=False)
        with pytest.raises(ReportInputError, match=rf"models/vgg/predictions.parquet.*{message}"):
            load(world)

    def test_a_table_of_an_earlier_version(self, world):
        world.root.write_table("duplicates", world.groups.drop(columns="distance"))
        with pytest.raises(ReportInputError, match=r"duplicates.parquet: lacks the column distance"):
            load(world)
