"""The server of a data root's models, from its port to its end."""

from contextlib import suppress

from cic_assets.domain.download import Network
from cic_assets.domain.prediction import PredictionError, check_models
from cic_assets.storage import DataRoot
from cic_assets.web.late_review import LateReview
from cic_assets.web.ports import server_of, why_taken
from cic_assets.web.predict.page import build_app
from cic_assets.web.predict.panels import Loading, Panels, silently
from cic_assets.web.predict.settings import ServeSettings


def serve_page(
    root: DataRoot,
    settings: ServeSettings,
    *,
    loading: Loading = silently,
    network: Network | None = None,
    review: LateReview | None = None,
) -> None:
    """Serve the models of a data root until interrupted.

    It listens at once, loads the models, and has requests that come before that wait.

    Args:
        root: where models were trained.
        settings: where to listen, and for whom.
        loading: a context in which the first models are loaded.
        network: by which pictures at URLs are had; the public internet unless given.
        review: the page on which somebody decides about pictures.

    Raises:
        PredictionError: the port is taken, there is no model, or not in this precision, or a model's file is not the
            one that its card describes.
    """
    if why := settings.mistake() or why_taken(settings.host, settings.port):
        raise PredictionError(why)
    check_models(root)  # what is wrong at a glance is said before anything listens

    def end() -> None:
        server.should_exit = True

    panels = Panels.of_root(
        root, seconds=settings.watch_seconds, loading=loading, on_failure=end, precision=settings.precision
    )
    server = server_of(build_app(panels, settings=settings, network=network, root=root, review=review), settings)
    with suppress(KeyboardInterrupt):
        server.run()
    if panels.failure is not None:
        raise panels.failure
