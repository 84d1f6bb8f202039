"""What can go wrong between us and Reddit, each with one line that says what to do about it."""

from typing import ClassVar


class RedditError(Exception):
    """Reddit cannot be read; the message is one line for a person.

    Attributes:
        passing: whether trying again later may help.
    """

    passing: ClassVar[bool] = False


class BadCredentialsError(RedditError):
    """Reddit does not accept the client id and secret, or what was asked with them."""


class TermsNotAcknowledgedError(RedditError):
    """The live API was to be used without `terms_acknowledged: true`."""


class RateLimitedError(RedditError):
    """Reddit asked to wait, longer or more often than the settings allow."""

    passing = True


class UnreachableError(RedditError):
    """No connection, no answer in time, or server errors only."""

    passing = True


class UnexpectedAnswerError(RedditError):
    """An answer that is none of the API's: a web page, broken JSON, a redirect to somewhere else."""


class SubredditError(RedditError):
    """One subreddit cannot be read; others can."""


class UnknownSubredditError(SubredditError):
    """There is no subreddit of that name."""


class BannedSubredditError(SubredditError):
    """Reddit closed the subreddit."""


class PrivateSubredditError(SubredditError):
    """Only its members may read the subreddit."""


class QuarantinedSubredditError(SubredditError):
    """Only accounts that opted in may read the subreddit."""
