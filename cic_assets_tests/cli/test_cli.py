"""The command line as users call it; some calls as processes of their own, to see that all of it arrives outside."""

import pytest


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("run",),
        ("demo",),
        ("dev",),
        ("archive",),
        ("archive", "serve"),
        ("predict",),
        ("serve",),
        ("new",),
        ("sample",),
        ("export",),
        ("export", "model"),
        ("purge",),
        ("review",),
    ],
)
def test_every_command_has_help(cic, command):
    result = cic(*command, "--help")
    assert result.returncode == 0
    assert "Usage: cic" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "printed", "said"),
    [
        (("predict", "--help"), 0, "Usage: cic predict", ""),
        (("fly",), 2, "", "Error: No such command 'fly'."),
        (("run", "--problem", "nowhere.yaml"), 1, "", "Error: nowhere.yaml: cannot be read"),
    ],
)
def test_code_and_streams_of_a_process(commands, arguments, code, printed, said):
    result = commands.run("cic", *arguments)
    assert result.returncode == code
    assert result.stdout.startswith(printed)
    assert said in result.stderr
    assert (not result.stdout, not result.stderr) == (not printed, not said)


def test_help_tells_of_every_layout_and_format_what_the_code_says(cic):
    from cic_assets.domain.dataset import LAYOUTS
    from cic_assets.domain.models import FORMATS

    said = {name: {**LAYOUTS, **FORMATS}[name].summary for name in (*LAYOUTS, *FORMATS)}
    lines = [" ".join(line.split()) for line in cic("export", "--help").stdout.splitlines()]
    assert all(f"{name} {summary}" in lines for name, summary in said.items())
    lines = [" ".join(line.split()) for line in cic("export", "model", "--help").stdout.splitlines()]
    assert all(f"{name} {said[name]}" in lines for name in FORMATS)


def problem(tmp_path, text="name: x\nclasses: {a: [r/aa], b: [r/bb]}\n"):
    path = tmp_path / "problem.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fly",), 2, "No such command 'fly'"),
        (("run", "--problem", "nowhere.yaml"), 1, "nowhere.yaml: cannot be read"),
        (("run", "--archive", "nowhere"), 1, "--archive nowhere: there is no such folder"),
        (("run", "--problem", "problem.yaml", "--preset", "huge"), 2, "preset 'huge' is unknown: expected one of"),
        (("dev", "--problem", "problem.yaml", "--preset", "dmo"), 2, "'dmo' is unknown: did you mean demo? expected"),
        (
            ("run", "--problem", "gone.yaml"),
            1,
            "folders: there is no such folder: expected one with pictures in it; in",
        ),
        (("run", "--problem", "gone.yaml"), 1, "list.csv: there is no such file: expected a list of URLs, a .csv, "),
        (("run", "--problem", "bad.yaml"), 1, "bad.yaml: classes: expected at least two classes"),
        (("run", "--problem", "[/x].yaml"), 1, "[/x].yaml: cannot be read"),
        (
            ("run", "--problem", "problem.yaml", "--data-root", "bad.yaml"),
            1,
            "bad.yaml: File exists: expected a folder",
        ),
        (
            ("export", "kaggle", "out", "--data-root", "floppy://a"),
            1,
            "data root floppy://a: expected a folder, or s3://BUCKET/PATH",
        ),
        (("new", "x"), 2, "Missing option '--class'"),
        (("new", "x", "--class", "cats"), 2, "--class cats: expected CLASS=SOURCE, such as cats=r/cats"),
        (("new", "x", "--class", "cats=r/cats"), 1, "classes: expected at least two classes"),
        (("new", "x", "--class", "a=r/aa", "--class", "b=folder:b"), 1, "/b: there is no such folder: expected one"),
        (("sample", "full"), 1, "full: Directory not empty: choose another folder, or empty it"),
        (("sample", "bad.yaml"), 2, "is a file"),
        (("sample", "out", "--count", "151"), 2, "151 is not in the range 1<=x<=150"),
        (("dev", "--problem", "bad.yaml"), 1, "bad.yaml: classes: expected at least two classes"),
        (
            ("dev", "--problem", "problem.yaml", "--problem", "problem.yaml"),
            1,
            "have the same dagster.asset_prefix, ''",
        ),
        (("dev", "--problem", "a", "--problem", "b", "--data-root", "c"), 2, "--data-root (CIC_DATA_ROOT) is of one"),
        (("purge", "--sha256", "xyz"), 2, "--sha256 xyz: expected a picture's 64 digits, 0 to 9 and a to f"),
        (("archive", "serve", "nowhere"), 2, "Directory 'nowhere' does not exist"),
        (("archive", "serve", "."), 1, "subreddits"),
        (("export", "kaggle", "out"), 1, "no data set in"),
        (("export", "floppy", "out"), 1, "floppy is not a layout: expected one of kaggle"),
        (("export", "model", "floppy", "out"), 1, "no trained model"),
        (("export", "model", "onnx"), 2, "Missing argument 'OUT'"),
        (("export", "model", "onnx", "out", "more"), 2, "unexpected extra argument"),
        (("predict", "x.jpg"), 1, "no trained model"),
        (("predict",), 2, "Missing argument"),
        (("purge",), 2, "nothing to purge: give --post ID, --sha256 HEX, --whole-source KEY or --missing KEY"),
        (("purge", "--post", "abc"), 1, "nothing was scraped here"),
        (("serve",), 1, "no trained model"),
    ],
)
def test_a_wrong_call_is_one_clear_line(cic, tmp_path, arguments, code, message):
    problem(tmp_path)
    (tmp_path / "bad.yaml").write_text("name: x\nclasses: {a: [r/aa]}\n")
    (tmp_path / "gone.yaml").write_text("name: x\nclasses: {a: ['folder:folders'], b: ['urls:list.csv']}\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    result = cic(*arguments)
    assert result.returncode == code, result.stderr
    assert message in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_a_variable_with_a_wrong_value_is_named(cic):
    result = cic("predict", "x.jpg", CIC_ALLOW_RANDOM_WEIGHTS="maybe")
    assert result.returncode == 1
    assert result.stderr == "Error: CIC_ALLOW_RANDOM_WEIGHTS: found 'maybe', expected a valid boolean\n"


def test_a_new_problem_ends_with_what_to_do_next(cic, tmp_path):
    result = cic("new", "pets", "--class", "cat=r/cats", "--class", "dog=r/dogs", "--class", "dog=r/puppies")
    assert result.returncode == 0, result.stderr
    assert "cic run --preset demo --problem problems/pets/problem.yaml" in result.stdout
    assert f"{tmp_path}/problems/pets/data" in result.stdout
    assert "dog: [r/dogs, r/puppies]" in (tmp_path / "problems" / "pets" / "problem.yaml").read_text()


def test_two_problems_that_record_in_different_places_are_not_shown_in_one_ui(cic, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        text = f"name: {name}\nclasses: {{a: [r/aa], b: [r/bb]}}\ndagster: {{asset_prefix: {name}}}\n"
        problem(tmp_path / name, text)
    result = cic("dev", "--problem", "one/problem.yaml", "--problem", "two/problem.yaml")
    assert result.returncode == 1
    assert f"one/problem.yaml in {tmp_path}/one/data/dagster, two/problem.yaml in {tmp_path}/two" in result.stderr
    assert "give all the same dagster.home, or set DAGSTER_HOME" in result.stderr
