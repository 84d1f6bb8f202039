"""Which sources `cic purge --whole-source` may remove, and what `--missing` does."""

import pandas as pd
import pytest

from cic_assets.domain.sources import TOMBSTONES, WHOLE_POST, complete_row, make_tombstones
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


def test_posts_that_were_missing_go_when_a_person_says_so(cic, root):
    waiting = {
        "post_id": "a", "subreddit": "cats", "position": WHOLE_POST, "is_post": True, "crosspost_of": "",
        "url_sha256": "", "sha256": "", "reason": "unconfirmed", "noticed_at": "2026-03-01T12:00:00+00:00",
    }  # fmt: skip
    root.write_table(TOMBSTONES, make_tombstones([waiting]), "cats")
    result = cic("purge", "--missing", "cats", "--data-root", root.url)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Purged 1 posts and 1 pictures; ")
    assert root.read_table("raw_images", "cats")["reason"].tolist() == ["taken down: not known to Reddit any more"]
