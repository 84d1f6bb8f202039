"""The review page: what the program is unsure of, decided with a key."""

from cic_assets.web.review.leases import LEASE_SECONDS, Leases
from cic_assets.web.review.page import ReviewSite, build_review_app
from cic_assets.web.review.server import OTHERS_RATE, PATIENCE, serve_review

__all__ = ["LEASE_SECONDS", "OTHERS_RATE", "PATIENCE", "Leases", "ReviewSite", "build_review_app", "serve_review"]
