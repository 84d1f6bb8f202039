"""A connection to Reddit's API, or to an archive that is replayed as it: PRAW, patient and polite.

Nothing outside the program decides where credentials go: no praw.ini, no `praw_…` variables, no .netrc.
"""

import re
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from cic_assets.domain.pacing import Allowance, Pace, ledger_of
from cic_assets.domain.reddit.errors import BadCredentialsError, RedditError, TermsNotAcknowledgedError
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.terms import TERMS_IN_ONE_LINE
from cic_assets.domain.reddit.words import USER_NAME

if TYPE_CHECKING:
    from cic_assets.domain.reddit.session import Reddit

APP = "cic_assets"

_MINUTES_OF_A_DAY = 24 * 60


def user_agent(username: str, *, platform: str = sys.platform, app: str = APP, app_version: str | None = None) -> str:
    """`PLATFORM:APP:VERSION (by /u/NAME)`, as Reddit's API rules want it.

    Raises:
        BadCredentialsError: `username` is not a Reddit account's name.
    """
    if not USER_NAME.fullmatch(username):
        raise BadCredentialsError(
            f"REDDIT_USERNAME: expected the name of your Reddit account, for the user agent, found {username!r}"
        )
    return f"{platform}:{app}:{app_version or version('cic-assets')} (by /u/{username})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedditCredentials:
    """Who asks Reddit: an app registered at reddit.com/prefs/apps, and the account that is responsible for it.

    Attributes:
        client_id: the id under the app's name.
        client_secret: the app's secret; None for an installed app, which has none.
        username: the account, for the user agent. No password: nothing is done in anybody's name.
    """

    client_id: str = field(repr=False)
    client_secret: str | None = field(repr=False)
    username: str

    def __post_init__(self) -> None:
        if not self.client_id.strip():
            raise BadCredentialsError(
                "no client id for Reddit's API: set REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET to those of your app "
                "(reddit.com/prefs/apps), or use a source that needs none, such as folder: or an archive"
            )

    @property
    def user_agent(self) -> str:
        """What every request says of itself."""
        return user_agent(self.username)


REPLAY_CREDENTIALS = RedditCredentials(client_id="replay", client_secret="replay", username="replay")  # noqa: S106
"""For archives that are replayed, which ask for none."""


def connect(
    credentials: RedditCredentials,
    endpoint: str | None = None,
    settings: RedditSettings | None = None,
    proxy: str = "",
) -> "Reddit":
    """Connect to Reddit's API, or to a server that is replayed as it. Nothing is asked yet.

    Args:
        credentials: whose app asks.
        endpoint: `http://127.0.0.1:PORT` of a replayed archive; None for Reddit itself.
        settings: pace, patience, and whether the terms are acknowledged.
        proxy: URL of the one by which Reddit itself is asked; empty: what the system says.

    Raises:
        TermsNotAcknowledgedError: Reddit itself is to be asked without `terms_acknowledged: true`.
        RedditError: the endpoint is no address of a server.
    """
    settings = settings or RedditSettings()
    if endpoint is None and not settings.terms_acknowledged:
        raise TermsNotAcknowledgedError(TERMS_IN_ONE_LINE)
    if endpoint is not None and not re.fullmatch(r"https?://[^/]+/?", endpoint):
        raise RedditError(f"endpoint: expected http://HOST:PORT of a replayed archive, found {endpoint!r}")
    # With PRAW: who only declares what will be asked does not wait for it.
    import requests

    from cic_assets.domain.reddit.requestor import PatientRequestor
    from cic_assets.domain.reddit.session import Reddit, no_praw_ini

    session = requests.Session()
    # .netrc would replace the token, and proxy variables would catch loopback; Reddit itself may need a proxy.
    session.trust_env = False
    if endpoint is None:
        session.proxies = {"https": proxy} if proxy else getproxies()
    with no_praw_ini():
        return Reddit(
            session,
            requestor_class=PatientRequestor,
            requestor_kwargs={
                "session": session,
                "pace": _pace(credentials, endpoint, settings),
                "settings": settings,
            },
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            user_agent=credentials.user_agent,
            oauth_url=endpoint.rstrip("/") if endpoint else "https://oauth.reddit.com",
            reddit_url=endpoint.rstrip("/") if endpoint else "https://www.reddit.com",
            check_for_updates=False,
            check_for_async=False,
            # Each is looked up in the environment unless it is given.
            password=None,
            redirect_uri=None,
            refresh_token=None,
            username=None,
        )


def checks_allowance(credentials: RedditCredentials, settings: RedditSettings) -> Allowance:
    """Requests of a day that checks of kept posts may take, of all sources and processes of this key together."""
    most = round(settings.checks_share * settings.requests_per_minute * _MINUTES_OF_A_DAY)
    return Allowance(most, ledger_of("reddit-checks", credentials.client_id))


def _pace(credentials: RedditCredentials, endpoint: str | None, settings: RedditSettings) -> Pace | None:
    if endpoint is not None and _is_loopback(endpoint):
        return None
    return Pace(settings.requests_per_minute, ledger_of("reddit", credentials.client_id))


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
