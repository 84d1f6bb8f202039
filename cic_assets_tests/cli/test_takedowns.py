"""Which sources `cic purge --whole-source` may remove."""

import pandas as pd
import pytest

from cic_assets.domain.sources import complete_row
from cic_assets.storage import DataRoot, claim_root


@pytest.fixture
def root(tmp_path):
    """The data root of a problem, with the table of a source called cats."""
    file, root = tmp_path / "problem.yaml", DataRoot(str(tmp_path / "data"))
    file.write_text("name: pets\nclasses: {cat: [r/cats], dog: [r/dogs]}\n")
    claim_root(root, "pets", file)
    raw = {"subreddit": "cats", "post_id": "a", "source": "r/cats", "outcome": "ok", "sha256": "f" * 64}
    root.write_table("raw_images", pd.DataFrame([complete_row(raw)]), "cats")
    return root


@pytest.fixture
def remove(cic, root):
    return lambda: cic("purge", "--whole-source", "cats", "--data-root", root.url)


def test_one_that_is_still_named_is_refused(remove, root, tmp_path):
    result = remove()
    assert result.returncode == 1
    assert f"cats is a source of {tmp_path / 'problem.yaml'}: take it out there first" in result.stderr
    assert root.has_table("raw_images", "cats")


def test_where_the_problem_cannot_be_read_nothing_is_removed(remove, root, tmp_path):
    (tmp_path / "problem.yaml").unlink()
    result = remove()
    assert result.returncode == 1
    assert "it has to be known that cats is no source any more" in result.stderr
    assert root.has_table("raw_images", "cats")


@pytest.mark.parametrize("named", ["r/lions", "folder:cats"])
def test_one_that_is_named_no_more_or_whose_name_another_took_is_removed(remove, root, tmp_path, named):
    (tmp_path / "problem.yaml").write_text(f"name: pets\nclasses: {{cat: ['{named}'], dog: [r/dogs]}}\n")
    result = remove()
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Removed cats: 1 pictures; ")
    assert not root.has_table("raw_images", "cats")
