"""Reddit: its listings, its posts, the media in them, and what became of them since."""

from cic_assets.domain.reddit.client import REPLAY_CREDENTIALS, RedditCredentials, connect, user_agent
from cic_assets.domain.reddit.errors import (
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
from cic_assets.domain.reddit.links import direct_picture
from cic_assets.domain.reddit.listings import CheckedPost, fetch_posts, recheck
from cic_assets.domain.reddit.pictures import GONE_REASONS, is_post
from cic_assets.domain.reddit.posts import media_of
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.status import PostStatus, status_of
from cic_assets.domain.reddit.terms import TERMS_POINTS
from cic_assets.domain.reddit.words import SORTS, SUBREDDIT_NAME, TIME_FILTERS, Post, Sort, TimeFilter

__all__ = [
    "GONE_REASONS", "REPLAY_CREDENTIALS", "SORTS", "SUBREDDIT_NAME", "TERMS_POINTS", "TIME_FILTERS",
    "BadCredentialsError", "BannedSubredditError", "CheckedPost", "Post", "PostStatus", "PrivateSubredditError",
    "QuarantinedSubredditError", "RateLimitedError", "RedditCredentials", "RedditError", "RedditSettings", "Sort",
    "SubredditError", "TermsNotAcknowledgedError", "TimeFilter", "UnexpectedAnswerError", "UnknownSubredditError",
    "UnreachableError", "connect", "direct_picture", "fetch_posts", "is_post", "media_of", "recheck", "status_of",
    "user_agent",
]  # fmt: skip
