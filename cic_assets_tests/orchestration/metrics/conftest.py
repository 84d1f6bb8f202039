"""What tests of metrics share."""

import pytest

from cic_assets_tests.orchestration.metrics.recording import Recorded


@pytest.fixture
def recorded(world):
    """Of the problem of three classes, on which nothing was done yet."""
    recorded = Recorded(world.environment)
    yield recorded
    recorded.close()
