import io

import pandas as pd
from rich.console import Console

from cic_assets.cli.graph import _missing_sources, _print_failure, _tell_dropped_sources
from cic_assets.config.problem_file import load_problem
from cic_assets.storage import DataRoot


def test_a_failure_is_one_line_and_the_rest_of_it_is_indented():
    target = io.StringIO()
    _print_failure(Console(file=target, width=40), f"vgg_model: died [/x] {'x' * 60}\nlast\nwords")
    assert target.getvalue() == f"failed vgg_model: died [/x] {'x' * 60}\n    last\n    words\n"


def test_a_source_that_is_named_no_more_is_told_with_the_way_to_remove_it(tmp_path):
    file, target, root = tmp_path / "problem.yaml", io.StringIO(), DataRoot(str(tmp_path / "my data"))
    file.write_text("name: pets\nclasses: {cat: [r/cats], dog: [r/dogs]}\n")
    for key in ("cats", "birds"):
        raw = pd.DataFrame({"subreddit": [key], "post_id": ["a"], "outcome": ["ok"], "sha256": [key]})
        root.write_table("raw_images", raw, key)
    _tell_dropped_sources(Console(file=target, width=40), root, load_problem(file))
    (line,) = target.getvalue().splitlines()
    assert line.startswith("birds is no source of pets any more: its pictures are left out, ")
    assert "In no other source: 1 pictures." in line
    assert line.endswith(f"cic purge --whole-source birds --data-root '{tmp_path / 'my data'}'")


def test_a_folder_that_is_gone_is_told_before_all_else_unless_its_source_has_what_it_had(tmp_path):
    file, root = tmp_path / "problem.yaml", DataRoot(str(tmp_path / "root"))
    file.write_text("name: pets\nclasses: {cat: ['folder:cats'], dog: ['folder:dogs']}\n")
    root.write_table("raw_images", pd.DataFrame({"subreddit": []}), "cats")
    (line,) = _missing_sources(root, load_problem(file))
    assert "dogs: there is no such folder" in line
