import pytest

from cic_assets.web.predict import Panel, Panels, ServeSettings, build_app
from cic_assets_tests.fixtures.servers import served


@pytest.fixture
def panel(make_predictor):
    return Panel([make_predictor(name="best", accuracy=0.9), make_predictor(name="other", accuracy=0.6)])


@pytest.fixture
def make_app(panel):
    """Makes the app of two quick models, or of others, with any settings."""

    def make(panels=None, *, root=None, network=None, **settings):
        return build_app(panels or Panels.fixed(panel), settings=ServeSettings(**settings), network=network, root=root)

    return make


@pytest.fixture
def server(make_app):
    with served(make_app()) as url:
        yield url
