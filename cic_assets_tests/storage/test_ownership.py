import pytest

from cic_assets.storage import DataRoot, OwnershipError, claim_root


@pytest.fixture(params=["folder", "remote"])
def root(request, tmp_path):
    return DataRoot(str(tmp_path / "root") if request.param == "folder" else f"memory://{tmp_path.name}/root")


def test_two_problems_never_share_a_data_root(root, tmp_path):
    claim_root(root, "cats", tmp_path / "cats.yaml")
    with pytest.raises(
        OwnershipError, match=r"holds what .*/cats.yaml \(cats\) made, not .*/dogs.yaml \(dogs\): name that"
    ):
        claim_root(root, "dogs", tmp_path / "dogs.yaml")
    claim_root(root, "cats", tmp_path / "cats.yaml")


def test_a_problem_that_was_renamed_or_moved_is_the_same(root, tmp_path):
    claim_root(root, "cats", tmp_path / "cats.yaml")
    claim_root(root, "felines", tmp_path / "cats.yaml")
    claim_root(root, "felines", tmp_path / "elsewhere" / "felines.yaml")
    with pytest.raises(OwnershipError, match=r"elsewhere/felines.yaml \(felines\)"):
        claim_root(root, "cats", tmp_path / "cats.yaml")


def test_the_way_out_that_the_message_names_works(root, tmp_path):
    claim_root(root, "cats", tmp_path / "cats.yaml")
    with pytest.raises(OwnershipError, match=r"or remove .*problem.json if"):
        claim_root(root, "dogs", tmp_path / "dogs.yaml")
    (root.path / "problem.json").unlink()
    claim_root(root, "dogs", tmp_path / "dogs.yaml")
