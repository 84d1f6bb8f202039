"""A data root that a real scrape filled, and checks that ask a real server."""

import os
from datetime import UTC, datetime
from functools import partial

import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditSettings, connect, recheck
from cic_assets.domain.sources import Connection, Partition, Source, scrape
from cic_assets.domain.sources.scraping import _State
from cic_assets.domain.takedowns import check_takedowns
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay

QUICK = DownloadSettings(backoff_seconds=0.01, answer_seconds=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(words, act):
    """A taker of lines that acts once, at the first with these words in it; or never, if there is nothing to do."""
    acts = [act] if act else []

    def hook(line):
        if words in line and acts:
            acts.pop()()

    return hook


class Place:
    """A data root, and the archive that it is filled from."""

    def __init__(self, archive, folder):
        self.archive = archive
        self.folder = folder
        self.root = DataRoot(str(folder))

    def scrape(self, key="cars", source=None, meanwhile=None, limits=None):
        partition = Partition(key, "car", Source.model_validate(source or f"r/{key}"))
        with self._connected() as (server, reddit):
            connection = Connection("archive", reddit, Network.replay("127.0.0.1", server.port))
            hook = at("to fetch", meanwhile)
            settings = QUICK.model_copy(update={"limits": limits} if limits else {})
            result = scrape(partition, self.root, connection, RedditSettings(), settings, on_progress=hook)
            self.fetched = [url for url in server.requests if "//127.0.0.1/" not in url]
            return result

    def killed_scrape(self, **how):
        """A scrape that is killed once all is fetched, before its table is written."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_State, "renewed", _die)
            with pytest.raises(Killed):
                self.scrape(**how)

    def scrape_boats(self, folder, files):
        """A source that is a folder; `boats` is what a problem would call it."""
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        self.boats = f"folder:{folder}"
        self.scrape("boats", self.boats)

    def check(self, key="cars", now=NOON, ask=True, meanwhile=None):
        with self._connected() as (_server, reddit):
            hook = at("asked about", meanwhile)
            return check_takedowns(self.root, key, partial(recheck, reddit) if ask else None, now=now, on_progress=hook)

    def raw(self, key="cars"):
        return self.root.read_table("raw_images", key).set_index("post_id")

    def sha(self, post_id, key="cars"):
        return self.raw(key).loc[post_id, "sha256"]

    def pictures(self):
        return {path.stem for path in (self.folder / "images").rglob("*.*")}

    def everything(self):
        """All bytes of all files, for what must be in none of them."""
        return b"\0".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())

    def _connected(self):
        return _Connected(self.archive)


def _die(_state):
    raise Killed


class _Connected:
    def __init__(self, archive):
        self._server = replay(archive.folder)

    def __enter__(self):
        self._server.__enter__()
        self._reddit = connect(REPLAY_CREDENTIALS, self._server.endpoint)
        return self._server, self._reddit.__enter__()

    def __exit__(self, *error):
        self._reddit.__exit__(*error)
        self._server.__exit__(*error)


@pytest.fixture
def place(archive, tmp_path):
    return Place(archive, tmp_path / "root")


class Killed(BaseException):
    """Not an error that anything handles."""


@pytest.fixture
def power_cut(monkeypatch):
    """Cuts off before the n-th change of a file; counts them."""

    class Cut:
        left = 10**6
        seen = 0

        def tick(self):
            self.seen += 1
            self.left -= 1
            if self.left < 0:
                raise Killed

    cut = Cut()
    unlink, replace = os.unlink, os.replace
    monkeypatch.setattr(os, "unlink", lambda *a, **k: (cut.tick(), unlink(*a, **k))[1])
    monkeypatch.setattr(os, "replace", lambda *a, **k: (cut.tick(), replace(*a, **k))[1])
    return cut


def hours_pass(folder):
    """What a killed writer left under a temporary name is not touched while somebody may be at work on it."""
    for path in folder.rglob(".*.part"):
        os.utime(path, (0, 0))
