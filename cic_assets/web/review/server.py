"""The server of the review page, from its port to its end."""

from collections.abc import Callable
from contextlib import suppress

from cic_assets.domain.review import ReviewError
from cic_assets.web.late_review import LateReview
from cic_assets.web.listening import Listening
from cic_assets.web.ports import server_of, why_taken
from cic_assets.web.review.page import ReviewSite, build_review_app

OTHERS_RATE = 50.0
"""Requests a second from one address, where others can reach the server: a decision a second takes three."""
PATIENCE = 0.3
"""Seconds for which tables are taken to be as they were."""


def serve_review(
    site: ReviewSite,
    settings: Listening,
    *,
    anew: Callable[[], ReviewSite],
    on_start: Callable[[], None] = lambda: None,
) -> None:
    """Serve what is open until interrupted.

    Args:
        site: what is at each path.
        settings: where to listen, and for whom.
        anew: makes another once the problem is another; a ValueError says why it cannot.
        on_start: called once it listens.

    Raises:
        ReviewError: the port is taken, nothing should be served like this, or the tables cannot be read.
    """
    if why := settings.mistake() or why_taken(settings.host, settings.port):
        raise ReviewError(why)
    site.check()  # what cannot be read is said before anything listens
    server = server_of(build_review_app(LateReview(anew, site), settings), settings, on_start)
    with suppress(KeyboardInterrupt):
        server.run()
