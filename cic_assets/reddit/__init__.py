"""Reddit: its posts, the media in them, and recorded archives replayed over loopback."""

from cic_assets.reddit.archive import Archive, ArchiveError, load_archive
from cic_assets.reddit.client import REPLAY_CREDENTIALS, RedditCredentials, connect, user_agent
from cic_assets.reddit.errors import (
    BadCredentialsError,
    BannedSubredditError,
    PrivateSubredditError,
    QuarantinedSubredditError,
    RateLimitedError,
    RedditError,
    SubredditError,
    TermsNotAcknowledgedError,
    UnexpectedAnswerError,
    UnknownSubredditError,
    UnreachableError,
)
from cic_assets.reddit.listings import Standing, fetch_posts, recheck
from cic_assets.reddit.pictures import GONE_REASONS
from cic_assets.reddit.posts import media_of
from cic_assets.reddit.replay_server import ReplayServer, replay, serve
from cic_assets.reddit.settings import RedditSettings
from cic_assets.reddit.status import PostStatus, status_of
from cic_assets.reddit.terms import TERMS_POINTS

__all__ = [
    "GONE_REASONS",
    "REPLAY_CREDENTIALS",
    "TERMS_POINTS",
    "Archive",
    "ArchiveError",
    "BadCredentialsError",
    "BannedSubredditError",
    "PostStatus",
    "PrivateSubredditError",
    "QuarantinedSubredditError",
    "RateLimitedError",
    "RedditCredentials",
    "RedditError",
    "RedditSettings",
    "ReplayServer",
    "Standing",
    "SubredditError",
    "TermsNotAcknowledgedError",
    "UnexpectedAnswerError",
    "UnknownSubredditError",
    "UnreachableError",
    "connect",
    "fetch_posts",
    "load_archive",
    "media_of",
    "recheck",
    "replay",
    "serve",
    "status_of",
    "user_agent",
]
