"""A lock that the machines of one bucket take in turns: a lease, which who holds it renews, and which ends without.

An object says who holds it. It is written only over what its writer has read (S3's If-None-Match and If-Match), so of
two that want it one gets it. The holder writes it anew every few seconds. Whoever waits looks at it, and takes it over
when it has not changed for `EXPIRY` seconds by the clock of the one who waits: clocks of machines need not agree.

What no lease can do: keep a machine that stood still for longer than `EXPIRY` from finishing a write that it had
begun. Whatever it would begin after that is refused, here by `check_held`.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from upath import UPath

from cic_assets.storage.locks import FolderLock
from cic_assets.storage.object_store import ObjectStoreError, get_tagged, put_new, put_over

EXPIRY = 60.0
"""Seconds after which a lease that nobody renews is anybody's. A server may be gone, or a machine stand still, for less
than that without any harm."""

_RENEWALS = 6
"""How often a lease is renewed within its expiry."""

_LOOK = 1.0
"""Seconds between two looks of one who waits."""

_SLOW = 0.1
"""An answer that took this part of the expiry says nothing of what was before it: the server may have been gone, and
the holder could not write either."""


class LeaseLostError(RuntimeError):
    """Another machine took a lease over, since this one did not renew it in time."""


class Lease:
    """A lock on a folder of a bucket. Of one machine one process at a time asks for it.

    Attributes:
        place: the object that says who holds it.
        folder: what only the holder writes into.
    """

    _of_this_thread = threading.local()

    def __init__(self, place: UPath, folder: UPath, local: Path, *, expiry: float = EXPIRY) -> None:
        """Take the two, and a folder of this machine that its processes take turns by."""
        self.place = place
        self.folder = folder
        self._local = FolderLock(local)
        self._expiry = expiry

    @contextmanager
    def held(self, on_wait: Callable[[str], None] = lambda _line: None) -> Iterator[None]:
        """Hold it for as long as the block lasts; wait for others first, and say so. Again within it costs nothing.

        Args:
            on_wait: called with a line where somebody else has it.

        Raises:
            LeaseLostError: at the end, where another machine has it by then.
            ObjectStoreError: the bucket cannot be asked.
        """
        mine: set[str] = self._of_this_thread.__dict__.setdefault("places", set())
        if str(self.place) in mine:
            yield
            return
        with self._local.held(on_wait), _Held(self, self._expiry, on_wait) as lease:
            mine.add(str(self.place))
            try:
                yield
            finally:
                mine.discard(str(self.place))
            lease.check()


class _Held:
    """A lease from when it is taken to when it is given back, and the thread that renews it."""

    def __init__(self, lease: Lease, expiry: float, on_wait: Callable[[str], None]) -> None:
        self._place = lease.place
        self._folder = lease.folder
        self._expiry = expiry
        self._on_wait = on_wait
        self._token = secrets.token_hex(8)
        self._count = 0
        self._tag = ""
        self._is_lost = False
        self._renewed = time.monotonic()
        self._turn = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of {lease.folder}", daemon=True)

    def __enter__(self) -> Self:
        self._take()
        _in_this_process[str(self._folder)] = self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        _in_this_process.pop(str(self._folder), None)
        if not self._is_lost:
            # Where this fails, it ends by itself.
            with suppress(ObjectStoreError):
                put_over(self._place, self._record(free=True), self._tag, once=True)

    def check(self) -> None:
        """Raise LeaseLostError where another machine has it. Where it may have, the bucket is asked first."""
        if time.monotonic() - self._renewed > self._expiry:
            self._renew_now()
        if self._is_lost:
            raise LeaseLostError(
                f"{self._folder}: another machine took over what this one held, since it was not heard of for "
                f"{self._expiry:.0f} s: run this again"
            )

    def _take(self) -> None:
        self._renewed = time.monotonic()
        if self._create():
            return
        seen, since, has_told = "", time.monotonic(), False
        while True:
            asked = self._renewed = time.monotonic()
            found = get_tagged(self._place)
            now = time.monotonic()
            if found is None:
                if self._create():
                    return
                continue
            content, tag = found
            holder = _parsed(content)
            if holder.get("token") == self._token:  # the answer to what was written was lost on the way
                self._tag = tag
                return
            if tag != seen or now - asked > _SLOW * self._expiry:
                seen, since = tag, now
            if holder.get("free") or now - since >= self._expiry:
                if self._take_over(tag):
                    return
                continue
            if not has_told:
                has_told = True
                self._on_wait(f"Waiting for what else writes in {self._folder} ({holder.get('holder', '?')})")
            time.sleep(min(_LOOK, self._expiry / 4))

    def _create(self) -> bool:
        tag = put_new(self._place, self._record())
        self._tag = tag or ""
        return tag is not None

    def _take_over(self, tag: str, *, once: bool = False) -> bool:
        new = put_over(self._place, self._record(), tag, once=once)
        if new is None:
            return self._is_ours()
        self._tag = new
        return True

    def _is_ours(self) -> bool:
        """Whether what lies there is what this one wrote: a write whose answer was lost is written again in vain."""
        found = get_tagged(self._place)
        if found is None or _parsed(found[0]).get("token") != self._token:
            return False
        self._tag = found[1]
        return True

    def _renew(self) -> None:
        while not self._done.wait(self._expiry / _RENEWALS):
            with suppress(ObjectStoreError):  # the next one comes soon, and finds whether another has it
                self._renew_now(once=True)
            if self._is_lost:
                return

    def _renew_now(self, *, once: bool = False) -> None:
        with self._turn:
            began = time.monotonic()
            self._count += 1
            if self._take_over(self._tag, once=once):
                self._renewed = began
            else:
                self._is_lost = True

    def _record(self, *, free: bool = False) -> bytes:
        holder = f"{socket.gethostname()}, process {os.getpid()}"
        return json.dumps({"holder": holder, "token": self._token, "count": self._count, "free": free}).encode()


_in_this_process: dict[str, _Held] = {}
"""What is held by this process, by folder."""


def check_held(path: UPath) -> None:
    """Refuse to write into a folder of a bucket whose lease this process had, and lost.

    Raises:
        LeaseLostError: it has.
    """
    for folder, lease in list(_in_this_process.items()):
        if str(path).startswith(f"{folder}/"):
            lease.check()


def _parsed(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
