"""A data root on a disk, and one that is none."""

import pytest

from cic_assets.storage import DataRoot


@pytest.fixture(params=["local", "memory"])
def root(request, tmp_path):
    return DataRoot(str(tmp_path / "root") if request.param == "local" else f"memory://{tmp_path}")
