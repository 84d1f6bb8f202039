"""`cic decide`: which picture is meant, and what stands in the file then."""

import getpass

import pandas as pd
import pytest

from cic_assets.domain.overrides import load_overrides
from cic_assets.storage import DataRoot, claim_root

A, B, C = (letter * 64 for letter in "abc")
AB = "a" * 9 + "b" * 55


@pytest.fixture
def problem(tmp_path):
    """A problem file with a data root of four pictures; the second is a copy of the first."""
    file, root = tmp_path / "pets" / "problem.yaml", DataRoot(str(tmp_path / "pets" / "data"))
    file.parent.mkdir()
    file.write_text("name: pets\nclasses: {cat: [r/cats], dog: [r/dogs]}\n")
    root.write_table("image_hashes", pd.DataFrame({"sha256": [A, AB]}), "cats")
    root.write_table("image_hashes", pd.DataFrame({"sha256": [B, C]}), "dogs")
    root.write_table("duplicates", pd.DataFrame({"sha256": [A, B], "group_id": A}))
    return file


@pytest.fixture
def say(cic, problem):
    """Runs `cic decide` on it."""
    return lambda *arguments: cic("decide", *arguments, "--problem", str(problem))


def test_a_decision_is_written_and_taken_back(say, problem):
    overrides = problem.with_name("overrides.yaml")
    result = say("label", f"{C[:8].upper()}…", "dog")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"Written in {overrides}: {C[:12]} is of dog; `cic run` follows it\n"
    assert f", by {getpass.getuser()}, " in overrides.read_text()
    assert say("leave-out", B, "--by", "Anna B.").returncode == 0
    assert ", by Anna B., " in overrides.read_text()
    assert load_overrides(overrides).labels.labels == ((C, "dog"),)
    assert load_overrides(overrides).labels.leave_out == (B,)
    result = say("undo", C[:8])
    assert result.stdout == f"Taken back in {overrides}: {C[:12]} is of dog; `cic run` follows it\n"
    assert say("undo").returncode == 0
    assert not overrides.exists()


def test_a_word_about_a_copy_goes_before_one_about_another(say, problem):
    assert say("label", B, "dog").returncode == 0
    assert say("leave-out", A).returncode == 0
    labels = load_overrides(problem.with_name("overrides.yaml")).labels
    assert (labels.labels, labels.leave_out) == ((), (A,))


def test_digits_of_several_pictures_are_refused(say, problem):
    result = say("label", A[:9], "dog")
    assert result.returncode == 1
    assert f"{A[:9]} begins 2 pictures: give more digits" in result.stderr
    assert not problem.with_name("overrides.yaml").exists()


def test_a_file_with_a_mistake_stays_as_it_is(say, problem):
    overrides = problem.with_name("overrides.yaml")
    overrides.write_text(f"labels: {{{C}: lion}}\n")
    result = say("label", B, "dog")
    assert result.returncode == 1
    assert f"labels.{C}: found 'lion', expected one of cat, dog" in result.stderr
    assert overrides.read_text() == f"labels: {{{C}: lion}}\n"


@pytest.mark.parametrize("arguments", [("label", C[:8], "dog"), ("leave-out", C[:8]), ("undo",)])
def test_pictures_of_another_problem_are_not_decided_about_here(cic, problem, tmp_path, arguments):
    other = tmp_path / "others" / "problem.yaml"
    other.parent.mkdir()
    other.write_text("name: others\nclasses: {cat: [r/cats], dog: [r/dogs]}\n")
    root = problem.parent / "data"
    claim_root(DataRoot(str(root)), "pets", problem)
    result = cic("decide", *arguments, "--problem", str(other), "--data-root", str(root))
    assert result.returncode == 1
    assert f"holds what {problem} (pets) made, not {other} (others)" in result.stderr
    assert not other.with_name("overrides.yaml").exists()


def test_two_pictures_are_one_or_two(say, problem):
    overrides = problem.with_name("overrides.yaml")
    result = say("different", A[:12], B[:8])
    assert result.stdout == f"Written in {overrides}: {A[:12]} and {B[:12]} are two pictures; `cic run` follows it\n"
    assert load_overrides(overrides).copies.different == ((A, B),)
    assert say("same", B[:8], A[:12], "--by", "Anna").returncode == 0
    assert load_overrides(overrides).copies.same == ((B, A),)
    assert load_overrides(overrides).copies.different == ()
    assert say("undo", A[:12]).stdout.endswith("are one picture; `cic run` follows it\n")
    assert say("undo").returncode == 0
    assert not overrides.exists()
    assert say("same", A[:12], A[:12]).returncode == 1
