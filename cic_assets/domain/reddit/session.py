"""PRAW's client with two things put right: its connections are closed, and no praw.ini is read."""

import configparser
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import praw
import requests
from praw.config import Config

_CONFIG_LOCK = threading.Lock()


class Reddit(praw.Reddit):
    """PRAW's `Reddit`, whose connections are closed when its `with` block ends."""

    def __init__(self, session: requests.Session, **settings: Any) -> None:
        self._session = session
        super().__init__("DEFAULT", **settings)

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._session.close()


@contextmanager
def no_praw_ini() -> Iterator[None]:
    """Let PRAW see only the defaults it comes with: a praw.ini could send the credentials elsewhere."""
    defaults = configparser.ConfigParser(interpolation=None)
    defaults.read_string((files("praw") / "praw.ini").read_text(encoding="utf-8"))
    with _CONFIG_LOCK:
        before, Config.CONFIG = Config.CONFIG, defaults
        try:
            yield
        finally:
            Config.CONFIG = before
