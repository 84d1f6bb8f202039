"""What all tests share: where the private test data is, if it is here at all."""

import os
from pathlib import Path

import pytest


def _shared_data_folder() -> Path:
    beside_the_checkout = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("CIC_SHARED_DATA", beside_the_checkout))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of private test data: real photos, a recorded archive, weights."""
    folder = _shared_data_folder()
    if not folder.is_dir():
        pytest.skip(f"private test data is not here: no folder {folder} (set CIC_SHARED_DATA)")
    return folder
