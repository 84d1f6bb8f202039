from pathlib import Path

import pytest
from dagster import AssetKey
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.config.environment import SAMPLE_PROBLEM
from cic_assets.config.problem import Problem
from cic_assets.config.problem_file import ProblemError, load_problem
from cic_assets.defs.assets import dataset
from cic_assets.domain.sources import BACKGROUND, SourceKind

SHORTEST = """
name: cars-and-tanks
classes:
  car: [r/carporn]
  tank: [r/tankporn, r/Tanks]
"""


@pytest.fixture
def problem_file(tmp_path):
    def write(text):
        path = tmp_path / "problem.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_what_the_report_shows_is_set_there_too(problem_file):
    assert load_problem(problem_file(SHORTEST)).report.mistakes == 24
    assert load_problem(problem_file(SHORTEST + "report: {mistakes: 3}\n")).report.mistakes == 3
    with pytest.raises(ProblemError, match=r"report\.mistakes: found 0, expected"):
        load_problem(problem_file(SHORTEST + "report: {mistakes: 0}\n"))


def test_the_shortest_problem_has_defaults_for_everything(problem_file):
    problem = load_problem(problem_file(SHORTEST))
    assert problem.class_names == ["car", "tank"]
    assert list(problem.partitions) == ["carporn", "tankporn", "tanks"]
    assert problem.classes_by_key == {"carporn": "car", "tankporn": "tank", "tanks": "tank"}
    assert set(problem.models) == {"vgg", "peetz_net", "xception"}
    assert problem.dataset.side == 256
    assert problem.models["vgg"].width == 1
    assert problem.models["xception"].architecture == "xception"


def test_the_sample_is_a_valid_problem():
    assert list(load_problem(SAMPLE_PROBLEM, "demo").partitions) == ["carporn", "tankporn", "tanks"]


def test_any_number_of_classes(problem_file):
    text = "name: pets\nclasses: {cat: [r/cats], dog: [r/dogs], bird: [r/birds, 'folder:birds']}\n"
    assert load_problem(problem_file(text)).class_names == ["cat", "dog", "bird"]


def test_the_demo_preset_lies_over_the_file_and_the_file_s_own_preset_over_that(problem_file):
    text = SHORTEST + "models: {vgg: {epochs: 30, seed: 8}}\npresets: {demo: {models: {vgg: {epochs: 2}}}}\n"
    assert load_problem(problem_file(text)).models["vgg"].epochs == 30
    demo = load_problem(problem_file(text), "demo").models["vgg"]
    assert (demo.epochs, demo.seed) == (2, 8)
    assert demo.width < 1


def test_a_model_set_to_null_is_left_out(problem_file):
    assert set(load_problem(problem_file(SHORTEST + "models: {vgg: null}\n")).models) == {"peetz_net", "xception"}


@pytest.mark.parametrize("variant", ["original", "modern"])
@pytest.mark.parametrize("name", ["vgg", "peetz_net", "xception"])
def test_the_demo_preset_has_sizes_for_every_variant(problem_file, name, variant):
    model = load_problem(problem_file(SHORTEST + f"models: {{{name}: {{variant: {variant}}}}}\n"), "demo").models[name]
    assert model.variant == variant
    assert model.input_size <= 128
    assert model.epochs <= 24


@pytest.mark.parametrize("preset", ["full", "demo"])
def test_a_preset_brings_no_model_back_that_is_left_out(problem_file, preset):
    problem = load_problem(problem_file(SHORTEST + "models: {vgg: null}\n"), preset)
    assert set(problem.models) == {"peetz_net", "xception"}


def test_a_preset_of_the_file_may_leave_a_model_out_or_add_one(problem_file):
    text = SHORTEST + "presets: {demo: {models: {vgg: null, small: {architecture: vgg, width: 0.1}}}}\n"
    assert set(load_problem(problem_file(text), "demo").models) == {"peetz_net", "xception", "small"}


def test_yaml_s_own_merging_is_understood(problem_file):
    text = SHORTEST + (
        "models:\n"
        "  vgg: &base {<<: &more {epochs: 7}, batch_size: 8}\n"
        "  peetz_net: {<<: *base, batch_size: 9}\n"
        "  xception: {<<: [*more, *base], epochs: 3}\n"
    )
    models = load_problem(problem_file(text)).models
    assert {name: (one.epochs, one.batch_size) for name, one in models.items()} == {
        "vgg": (7, 8),
        "peetz_net": (7, 9),
        "xception": (3, 8),
    }


def test_paths_are_relative_to_the_file(problem_file, tmp_path):
    text = "name: x\nclasses: {a: ['folder:pictures/a'], b: ['urls:/abs/b.csv']}\n"
    partitions = load_problem(problem_file(text)).partitions
    assert partitions["a"].source.kind is SourceKind.FOLDER
    assert partitions["a"].source.value == str(tmp_path / "pictures" / "a")
    assert partitions["b"].source.value == "/abs/b.csv"


def test_sources_of_the_same_name_keep_apart(problem_file):
    text = "name: x\nclasses: {a: ['folder:one/train', 'folder:two/train', r/train], b: ['folder:three/train']}\n"
    partitions = load_problem(problem_file(text)).partitions
    assert {key: Path(one.source.value).parent.name for key, one in partitions.items()} == {
        "a-train": "one",
        "a-train-2": "two",
        "train": "",
        "b-train": "three",
    }


KEYS = {
    "photos": "r/Photos",
    "b-photos": "folder:b-photos",
    "a-photos": "folder:w/photos",
    "a-photos-2": "folder:x/photos",
    "b-photos-2": "folder:y/photos",
    "lone": "folder:z/lone",
}
"""Sources by their keys. `b-photos` is what another folder is called, so that y/photos of b cannot be."""

CLASSES = {"r/Photos": "c", "folder:b-photos": "c", "folder:y/photos": "b", "folder:z/lone": "b"}


@given(st.permutations(list(KEYS.values())))
def test_a_key_means_the_same_source_in_whatever_order_they_are_written(sources):
    classes = {}
    for source in sources:
        classes.setdefault(CLASSES.get(source, "a"), []).append(source)
    partitions = Problem.model_validate({"name": "x", "classes": classes}).partitions
    assert {key: str(partition.source) for key, partition in partitions.items()} == KEYS
    assert {str(partition.source): partition.klass for partition in partitions.values()}.items() >= CLASSES.items()


def test_the_background_is_of_no_class_and_changes_the_name_of_no_source():
    classes = {"a": ["r/aa", "folder:x/p"], "b": ["r/bb"]}
    alone = Problem.model_validate({"name": "x", "classes": classes})
    problem = Problem.model_validate(
        {"name": "x", "classes": classes, "background": ["folder:y/p", "folder:z/p", "r/cc"]}
    )
    assert problem.class_partitions == alone.partitions
    assert problem.classes_by_key == alone.classes_by_key
    assert problem.class_names == ["a", "b"]
    assert list(problem.partitions) == [
        *alone.partitions, "background-p", "background-p-2", "background-cc",
    ]  # fmt: skip
    assert {one.klass for one in problem.background_partitions.values()} == {BACKGROUND}


@pytest.mark.parametrize("other", ["./p/", "sub/../p", "link", "{folder}/p"])
def test_one_folder_written_in_two_ways_is_given_twice(problem_file, tmp_path, other):
    (tmp_path / "p").mkdir()
    (tmp_path / "link").symlink_to("p")
    text = f"name: x\nclasses: {{a: ['folder:p'], b: ['folder:{other.format(folder=tmp_path)}']}}\n"
    with pytest.raises(ProblemError, match=r"problem\.yaml: classes: source folder:/.* is given twice, in a and b"):
        load_problem(problem_file(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes: {a: [r/aa], b: [r/bb]}", r"name is missing: expected short name"),
        ("name: x", r"classes is missing: expected at least two classes"),
        ("name: x y\nclasses: {a: [r/aa], b: [r/bb]}", r"name: found 'x y', expected letters, digits, dashes"),
        ("name: x\nclasses: {a: [r/aa]}", r"classes: expected at least two classes"),
        (
            "name: x\nclasses: {a: some/path, b: [r/bb]}",
            r"class a: found 'some/path', .* sources: \[folder:some/path\]",
        ),
        ("name: x\nclasses: {a: [r/aa], b: urls:b.csv}", r"class b: found 'urls:b\.csv', .* sources: \[urls:b\.csv\]"),
        ("name: x\nclasses: {a: [r/aa], b: []}", r"class 'b' has no source: expected at least one"),
        ("name: x\nclasses: {a: [aa], b: [r/bb]}", r"classes\.a\.0: found 'aa', expected r/NAME, folder:PATH"),
        ("name: x\nclasses: {a: [r/a-a], b: [r/bb]}", r"classes\.a\.0: found 'r/a-a', expected r/ and the name of a"),
        ("name: x\nclasses: {a: [r/aa], b: [r/AA]}", r"source r/AA is given twice, in a and b"),
        (
            "name: x\nclasses: {a: [r/aa], b: [r/AA|flair=Old]}",
            r"source r/aa of a has posts of r/AA\|flair=Old of b: say by flair, or by another option, which are of",
        ),
        ("name: x\nclasses: {a: ['kaggle:aa'], b: [r/bb]}", r"classes\.a\.0: found 'kaggle:aa', expected kaggle:OWNER"),
        (
            "name: x\nclasses: {a: ['folder:sets'], b: ['folder:sets/b']}",
            r"classes: source folder:/.*/sets/b of b lies inside folder:/.*/sets of a: name folders side by side",
        ),
        (SHORTEST + "background: [r/CarPorn]", r"source r/CarPorn is given twice, also in car: give it once"),
        (SHORTEST + "background: [r/cc, r/CC]", r"source r/CC is given twice, also in background: give it once"),
        (
            "name: x\nclasses: {a: ['folder:sets'], b: [r/bb]}\nbackground: ['folder:sets/b']",
            r"source folder:/.*/sets/b and folder:/.*/sets of a lie inside one another",
        ),
        (SHORTEST + "background: r/cc", r"background: found 'r/cc', expected a valid list"),
        (
            SHORTEST + "modles: {}",
            r"modles is not a setting: did you mean models\? allowed here: background, classes, ",
        ),
        (SHORTEST + "preset: {}", r"preset is not a setting: did you mean presets\?"),
        ("name: x\nclasses: [car, tank]", r"classes: found \['car', 'tank'\], expected names, each with its sources"),
        (SHORTEST + "models: {vgg: {epoch: 3}}", r"models\.vgg\.epoch is not a setting: did you mean epochs\?"),
        (SHORTEST + "models: {vgg: {epochs: 0}}", r"models\.vgg\.epochs: found 0, expected greater than or equal to 1"),
        (SHORTEST + "models: {vgg: {epochs: many}}", r"models\.vgg\.epochs: found 'many', expected a valid integer"),
        (SHORTEST + "models: {mine: {}}", r"models\.mine\.architecture is missing"),
        (SHORTEST + "dataset: {splits: {train: 0.9}}", r"dataset\.splits: train, validation and test add up to 1\.2"),
        (SHORTEST + "dataset: 5", r"dataset: found 5, expected a valid dictionary"),
        ("name: [x\n", r"problem\.yaml:2: is not valid YAML"),
        ("name: x\nname: y\n", r"problem\.yaml:2: is not valid YAML: key 'name' is given twice"),
        ("? [a, b]\n: c\n", r"problem\.yaml:1: is not valid YAML: expected a word as a key"),
        (SHORTEST + "presets: foo", r"presets: found 'foo', expected names, each with the settings to change"),
        (SHORTEST + "presets: 3", r"presets: found 3, expected names"),
        (SHORTEST + "presets: {demo: 3}", r"presets\.demo: found 3, expected the settings to change"),
        (SHORTEST + "presets: {1: {}}", r"presets: found the name 1, expected text: put it in quotes"),
        (
            "name: x\nclasses: {a: ['folder:~nobody_at_all/p'], b: [r/bb]}",
            r"classes: source folder:~nobody.*: found no",
        ),
        ("name: x\nclasses: {yes: [r/aa], b: [r/bb]}", r"classes: found the key True, expected text: put it in quotes"),
        ("name: x\n1: y\nclasses: {a: [r/aa], b: [r/bb]}", r"1 is not a setting"),
        (
            "name: x\nclasses: {a: [{kind: r, value: ../../x}], b: [r/bb]}",
            r"classes\.a\.0: expected r/ and the name of a",
        ),
        ("name: x\nclasses: {a: [{kind: r}], b: [r/bb]}", r"classes\.a\.0\.value is missing"),
        (
            "name: x\nclasses: {a: [{commons: Tanks, width: 1024}], b: [r/bb]}",
            r"classes\.a\.0: width: found '1024', expected a width that Wikimedia makes",
        ),
        (
            SHORTEST + "licenses: [cc0, mine]",
            r"licenses: found .*mine is no licence that we know: expected some of cc0",
        ),
        (SHORTEST + "models: {'my model': {architecture: vgg}}", r"models: name 'my model': expected letters, digits"),
        (SHORTEST + "models: {'../../x': {architecture: vgg}}", r"models: name '\.\./\.\./x': expected letters"),
        (SHORTEST + "models: {vgg: null, peetz_net: null, xception: null}", r"models: all are left out: expected at"),
        (SHORTEST + "models: 5", r"models: found 5, expected a valid dictionary"),
        ("- a\n- b\n", r"found list, expected keys such as"),
        ("", r"found NoneType, expected keys such as"),
    ],
)
def test_each_mistake_is_one_line_with_key_found_and_allowed(problem_file, text, message):
    with pytest.raises(ProblemError, match=message) as caught:
        load_problem(problem_file(text))
    assert all("problem.yaml" in line for line in str(caught.value).splitlines())


def test_several_mistakes_are_several_lines(problem_file):
    text = SHORTEST + "models: {vgg: {epochs: 0}, xception: {width: -1}}\n"
    with pytest.raises(ProblemError) as caught:
        load_problem(problem_file(text))
    assert len(str(caught.value).splitlines()) == 2


def test_an_unknown_preset_names_the_known_ones(problem_file):
    with pytest.raises(ProblemError, match=r"preset 'tiny' is unknown: expected one of demo, full, mine"):
        load_problem(problem_file(SHORTEST + "presets: {mine: {}}\n"), "tiny")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ProblemError, match=r"nowhere\.yaml: cannot be read \(No such file.*`cic new`"):
        load_problem(tmp_path / "nowhere.yaml")


def test_splits_of_others_are_read_with_the_problem(problem_file, tmp_path):
    path = problem_file(SHORTEST + "dataset: {splits: {given: theirs.csv}}\n")
    with pytest.raises(ProblemError, match=r"dataset\.splits\.given: .*theirs\.csv cannot be read \(No such file"):
        load_problem(path)
    (tmp_path / "theirs.csv").write_text("sha256,split\nab,test\n")
    assert load_problem(path).given_splits == {"ab": "test"}


def test_what_a_file_of_splits_says_is_part_of_the_data_sets_code_version(problem_file, tmp_path):
    def version(splits, name="theirs.csv"):
        (tmp_path / name).write_text(f"sha256,split\n{splits}\n")
        problem = load_problem(problem_file(SHORTEST + f"dataset: {{splits: {{given: {name}}}}}\n"))
        return dataset.build_assets(problem)[-1].code_versions_by_key[AssetKey("training_dataset")]

    assert version("ab,test") == version("ab,test", name="elsewhere.csv")
    assert version("ab,test") != version("ab,train")
