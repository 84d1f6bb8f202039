"""Reddit: its listings, its posts, the media in them, and what became of them since."""

from cic_assets.domain.reddit.client import REPLAY_CREDENTIALS, RedditCredentials, checks_allowance, connect, user_agent
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
from cic_assets.domain.reddit.feeds import Feed
from cic_assets.domain.reddit.filters import NOT_OF_SOURCE, Selection
from cic_assets.domain.reddit.links import direct_picture
from cic_assets.domain.reddit.listings import IN_A_ROW, CheckedPost, Known, fetch_posts, read_listings, recheck
from cic_assets.domain.reddit.pictures import GONE_REASONS
from cic_assets.domain.reddit.posts import media_of
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.status import PostStatus, status_of
from cic_assets.domain.reddit.terms import TERMS_POINTS
from cic_assets.domain.reddit.words import (
    MULTIREDDIT_NAME,
    SORTS,
    SUBREDDIT_NAME,
    TIME_FILTERS,
    USER_NAME,
    Post,
    Sort,
    TimeFilter,
)

__all__ = [
    "GONE_REASONS", "IN_A_ROW", "MULTIREDDIT_NAME", "NOT_OF_SOURCE", "REPLAY_CREDENTIALS", "SORTS", "SUBREDDIT_NAME",
    "TERMS_POINTS", "TIME_FILTERS", "USER_NAME", "BadCredentialsError", "BannedSubredditError", "CheckedPost", "Feed",
    "Known", "Post", "PostStatus", "PrivateSubredditError", "QuarantinedSubredditError", "RateLimitedError",
    "RedditCredentials", "RedditError", "RedditSettings", "Selection", "Sort", "SubredditError",
    "TermsNotAcknowledgedError", "TimeFilter", "UnexpectedAnswerError", "UnknownSubredditError", "UnreachableError",
    "checks_allowance", "connect", "direct_picture", "fetch_posts", "media_of", "read_listings", "recheck", "status_of",
    "user_agent",
]  # fmt: skip
