"""What to take from Reddit, and how patiently to ask."""

from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.reddit.words import SORTS, TIME_FILTERS, Sort, TimeFilter


class RedditSettings(BaseModel):
    """Settings of the Reddit sources; each default with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    terms_acknowledged: bool = False
    """That you read what Reddit's terms ask, and that your use is allowed. The live API is not used without it."""

    listings: tuple[Sort, ...] = Field(default=SORTS, min_length=1)
    """The listings to unite. All of them: each ends near 1,000 posts, and they end at different posts. Where those of
    all times show nothing that `new` did not, the others are not asked for."""

    time_filters: tuple[TimeFilter, ...] = Field(default=tuple(reversed(TIME_FILTERS)), min_length=1)
    """The periods that `top` and `controversial` are asked for. All, widest first: a busy month hides a quiet week."""

    limit: int = Field(default=1000, ge=1, le=1000)
    """Posts to take of each listing; Reddit gives at most about 1,000."""

    over_18: bool = False
    """Whether to take posts marked as adult."""

    flair_include: tuple[str, ...] = ()
    """Take only posts with one of these flairs, in any case; none given: all."""

    flair_exclude: tuple[str, ...] = ()
    """Leave out posts with one of these flairs, in any case."""

    min_score: int | None = None
    """Leave out posts with a lower score; none given: take all, for a low score says little about a picture."""

    min_width: int = Field(default=0, ge=0)
    """Leave out pictures that Reddit says are narrower, in pixels. 0: the header of the picture itself decides."""

    min_height: int = Field(default=0, ge=0)
    """Leave out pictures that Reddit says are lower, in pixels."""

    keep_json: bool = True
    """Whether to keep what Reddit sent of each post, compressed, in the table `posts`: what no column has may be
    needed later. It goes with its post."""

    hosts_allow: tuple[str, ...] = ()
    """Take pictures from these hosts and their subdomains only; none given: from all."""

    hosts_deny: tuple[str, ...] = ()
    """Take no pictures from these hosts and their subdomains."""

    relist_after_days: float = Field(default=7, ge=0)
    """Days after which all listings are read to their ends again. Between, `new` is read until 100 posts in a row are
    known, and posts are asked for by themselves whose pictures are missing: a scrape of a hundred subreddits takes
    minutes so, where all listings take hours. Scores and titles of older posts are as old as the last whole reading. 0:
    each scrape reads all, as it does where `min_score` is set."""

    checks_share: float = Field(default=0.7, gt=0, le=1)
    """Share of the requests of a day that checks of kept posts may take, of all sources together; 0.7 is enough for
    ten million posts a day. The rest is for scrapes."""

    requests_per_minute: int = Field(default=100, ge=1, le=100)
    """Reddit's limit for a client with OAuth is 100. Archives replayed over loopback are not waited for."""

    timeout: float = Field(default=30.0, gt=0)
    """Seconds for one whole answer of the API; a page of 100 posts takes about one."""

    attempts: int = Field(default=4, ge=1)
    """How often to ask before giving up, when Reddit asks to wait, fails or does not answer."""

    longest_wait: float = Field(default=120.0, ge=0)
    """Seconds to wait at most when Reddit says how long, by a 429 or by saying that it takes no more requests; when it
    says longer, scraping stops and says so."""
