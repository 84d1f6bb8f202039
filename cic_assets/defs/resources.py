"""What the graph's steps are given from outside: where data lies, how Reddit is reached, what trains."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar, cast

from dagster import ConfigurableResource, EnvVar, Failure, ResourceDependency
from pydantic import Field

from cic_assets.config.environment import SAMPLE, Environment
from cic_assets.domain.download import Network
from cic_assets.domain.licenses import SHAREABLE
from cic_assets.domain.models import AcceleratorSettings
from cic_assets.domain.reddit import (
    REPLAY_CREDENTIALS,
    RedditCredentials,
    RedditSettings,
    checks_allowance,
    connect,
    recheck,
)
from cic_assets.domain.sources import (
    Connection,
    Partition,
    Source,
    SourceKind,
    archive_origin,
    recheck_open,
    sample_origin,
)
from cic_assets.domain.takedowns import Ask, knows_posts, posts_to_ask
from cic_assets.engine import Engine, EngineError, EngineName, open_engine
from cic_assets.storage import DataRoot, DataRootError, refuse_newer

T = TypeVar("T")
R = TypeVar("R")


class DataRootResource(ConfigurableResource[None]):
    """The folder, or part of a bucket, under which everything lies that is materialized."""

    url: str = Field(description="a folder, or s3://BUCKET/PATH")

    @property
    def root(self) -> DataRoot:
        """Paths and tables below it.

        Raises:
            Failure: a newer version made them.
        """
        try:
            _look_at_format(self.url)
        except DataRootError as error:
            raise Failure(str(error), allow_retries=False) from None
        return DataRoot(self.url)


@lru_cache(maxsize=64)
def _look_at_format(url: str) -> None:
    """Once a process: of a bucket it is a request, and steps ask for paths all the time."""
    refuse_newer(DataRoot(url))


NO_CREDENTIALS = (
    "no way to reach Reddit: set REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET and REDDIT_USERNAME (an approved API key, see "
    f"README), or CIC_ARCHIVE to a recorded archive, or CIC_ARCHIVE={SAMPLE} to the embedded drawn one"
)


class RedditResource(ConfigurableResource[None]):
    """Reddit by an approved API key, or a recorded archive replayed in its place."""

    data: ResourceDependency[DataRootResource]
    archive: str = Field(default="", description=f"folder of a recorded archive; '{SAMPLE}' for the embedded one")
    client_id: str = Field(default="", description="of an approved API key")
    client_secret: str = Field(default="", description="of an approved API key; an installed app has none")
    username: str = Field(default="", description="the Reddit account that the user agent names, as Reddit asks")
    contact: str = Field(default="", description="of the person who runs this, for sources without an account")
    proxy: str = Field(default="", description="http://HOST:PORT by which hosts and APIs are asked; empty: none")

    def replays_sample(self, source: Source) -> bool:
        """Whether the sample stands in for a source: real URLs are in none of its posts."""
        return self.archive == SAMPLE and source.kind.is_reddit

    @contextmanager
    def connect(
        self, source: Source, settings: RedditSettings, licenses: Collection[str] = SHAREABLE
    ) -> Iterator[Connection]:
        """A connection for one source; replays the archive for as long as the block lasts.

        Of a recorded archive, lists and dumps get their pictures too; the sample stands in for subreddits alone.
        """
        with self._connected(source, settings) as connection:
            yield replace(connection, contact=self.contact, licenses=licenses)

    @contextmanager
    def _connected(self, source: Source, settings: RedditSettings) -> Iterator[Connection]:
        if source.kind in (SourceKind.FOLDER, SourceKind.KAGGLE):
            yield Connection(str(source.kind), None, Network.public(self.proxy))
        elif self.replays_sample(source) or self.archive not in ("", SAMPLE):
            with self._replayed(self.archive, settings) as connection:
                yield connection
        elif not source.kind.is_reddit:
            yield Connection("web", None, Network.public(self.proxy))
        elif self.client_id:
            with connect(self._credentials, settings=settings, proxy=self.proxy) as reddit:
                yield Connection("reddit", reddit, Network.public(self.proxy))
        else:
            raise Failure(NO_CREDENTIALS, allow_retries=False)

    @contextmanager
    def connect_to_ask(self, partition: Partition, settings: RedditSettings) -> Iterator[Ask | None]:
        """What tells of the kept posts of a source; None where it has none, or there is nobody to ask.

        Dumps hold posts of Reddit too: they are asked about where there is an API key.
        """
        source = partition.source
        can_ask = source.kind.is_reddit or source.kind.is_open or self.archive or self.client_id
        if not can_ask or not posts_to_ask(self.data.root, partition.key):
            yield None
            return
        is_asked = source.kind.is_open or source.kind.is_reddit
        asked = source if is_asked else source.model_copy(update={"kind": SourceKind.SUBREDDIT})
        with self.connect(asked, settings) as connection:
            knows = knows_posts(self.data.root, partition.key, connection.origin)
            yield self._ask(source.kind, connection, settings) if knows else None

    def _ask(self, kind: SourceKind, connection: Connection, settings: RedditSettings) -> Ask | None:
        if kind.is_open:
            return partial(recheck_open, kind, connection.access)
        if connection.reddit is None:
            return None
        is_live = connection.origin == "reddit"
        allowance = checks_allowance(self._credentials, settings) if is_live else None
        return partial(recheck, connection.reddit, allowance=allowance)

    @property
    def _credentials(self) -> RedditCredentials:
        # An installed app has no secret, which is not an empty one.
        return RedditCredentials(
            client_id=self.client_id, client_secret=self.client_secret or None, username=self.username
        )

    @contextmanager
    def _replayed(self, archive: str, settings: RedditSettings) -> Iterator[Connection]:
        from cic_assets.web.replay import SAMPLE_ARCHIVE, ArchiveError, replay, sample_version  # with its web server

        folder = SAMPLE_ARCHIVE if archive == SAMPLE else Path(archive)
        try:
            replayed = replay(folder)
        except ArchiveError as error:
            raise Failure(str(error), allow_retries=False) from error
        with replayed as server, connect(REPLAY_CREDENTIALS, server.endpoint, settings) as reddit:
            origin = sample_origin(sample_version()) if archive == SAMPLE else archive_origin(folder)
            yield Connection(origin, reddit, Network.replay("127.0.0.1", server.port))


class WeightsResource(ConfigurableResource[None]):
    """Where Xception's ImageNet weights come from; searched for where no file is given."""

    path: str = Field(default="", description="file of Keras' weights, no top; verified before use")
    allow_random: bool = Field(default=False, description="random weights where there are no others; for the demo")


class AcceleratorResource(ConfigurableResource[None]):
    """What trains: a GPU where there is one, unless said otherwise."""

    device: str = Field(default="auto", description="auto, cpu or gpu")
    require: bool = Field(default=False, description="no GPU is an error at once")
    memory_growth: bool = Field(default=True, description="take GPU memory as needed, not all of it")
    memory_limit: int | None = Field(default=None, description="MiB of GPU memory that a training may take at most")
    mixed_precision: str = Field(
        default="auto", description="16-bit arithmetic: auto (where the device has it built in), true or false"
    )
    jit: str = Field(default="auto", description="compile with XLA: auto, true or false")
    threads: int | None = Field(default=None, description="CPU threads; all cores unless set")

    @property
    def settings(self) -> AcceleratorSettings:
        """The same, validated."""
        return AcceleratorSettings.model_validate(self.model_dump(include=set(AcceleratorSettings.model_fields)))


class EngineResource(ConfigurableResource[None]):
    """Where pictures are worked on."""

    name: str = Field(default="local", description="local, or ray: the cluster that RAY_ADDRESS names")

    @property
    def is_local(self) -> bool:
        """Whether it is this process."""
        return self.name == "local"

    def open(self, workers: int | None = None, *, takes_part: bool = False) -> Engine:
        """The engine; the local one with as many threads, one a core unless told.

        A step that has a processor of the cluster (`placement.needs`) says that it takes part.
        """
        return _OfStep(partial(open_engine, cast("EngineName", self.name), workers, takes_part=takes_part))


@dataclass(frozen=True, slots=True)
class _OfStep:
    """An engine whose failure is one of the step, in one line."""

    open: Callable[[], Engine]

    def each(
        self,
        task: Callable[[T], R],
        items: Iterable[T],
        *,
        shard: int = 64,
        instead: Callable[[T, str], R] | None = None,
    ) -> Iterator[tuple[T, R]]:
        """As `Engine.each`."""
        try:
            yield from self.open().each(task, items, shard=shard, instead=instead)
        except EngineError as error:
            raise Failure(str(error), allow_retries=False) from error


def build_resources(environment: Environment) -> dict[str, object]:
    """What the steps are given."""
    environment = environment.absolute()
    data = DataRootResource(url=environment.root_url)
    return {
        "data": data,
        "reddit": RedditResource(
            data=data,
            archive=environment.archive,
            client_id=_secret("REDDIT_CLIENT_ID"),
            client_secret=_secret("REDDIT_CLIENT_SECRET"),
            username=_secret("REDDIT_USERNAME"),
            contact=environment.contact,
            proxy=_secret("CIC_PROXY"),  # it may have a password
        ),
        "weights": WeightsResource(path=environment.xception_weights, allow_random=environment.allow_random_weights),
        "accelerator": AcceleratorResource(device=environment.device),
        "engine": EngineResource(name=environment.engine),
    }


def _secret(name: str) -> str | EnvVar:
    # An EnvVar that is not set stops every step; ours have a better message for that.
    return EnvVar(name) if os.environ.get(name) else ""
