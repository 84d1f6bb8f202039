"""Buckets of S3 and of what speaks like it: one way to reach them, and writes that happen only if nobody was faster.

Through obstore, which asks once where other clients ask three or four times, and repeats by itself what a server that
is gone for a while did not answer. It does not survive a fork: nothing may be asked for in a process that others are
forked from.
"""

import atexit
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from upath import UPath

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3"

_PATIENCE: Mapping[str, Any] = {
    # A server that is started anew is back within a minute or two; a step that fails is done again as a whole.
    "max_retries": 10_000,  # pauses are drawn at random, some of them tiny: it is the time that counts
    "retry_timeout": timedelta(minutes=3),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}


_LEAVING_SECONDS = 10.0
"""For which the end of a program waits for threads of the client: to leave takes none of them so long."""


class ObjectStoreError(OSError):
    """A bucket cannot be asked; the message says what it answers, in one line."""


def is_object_store(path: UPath) -> bool:
    """Whether a path is in a bucket."""
    return bool(path.protocol == SCHEME)


def path_of(url: str) -> UPath:
    """A path on this machine, or in a bucket: `s3://BUCKET/PATH`.

    Keys, region and endpoint of a bucket are what the environment says, as of all programs that speak with S3:
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP.

    Raises:
        ImportError: it is in a bucket, and the extra `s3` is not installed.
    """
    if not url.startswith(f"{SCHEME}://"):
        return UPath(url)
    _register()
    path: UPath = UPath(url, **_options())
    return path


def put(path: UPath, content: bytes | BinaryIO) -> None:
    """Write an object whole, over what was there; a file that is open from where it stands."""
    with _readable(path):
        _store(_bucket(path)).put(_key(path), content)


def put_new(path: UPath, data: bytes) -> str | None:
    """Write an object unless there is one, of several writers one: its tag, or None where there is one already.

    Also None where the first answer was lost on the way: what was written is found there then.
    """
    from obstore.exceptions import AlreadyExistsError

    with _readable(path):
        try:
            return _put_if(path, data, "create")
        except AlreadyExistsError:
            return None


def put_over(path: UPath, data: bytes, tag: str, *, once: bool = False) -> str | None:
    """Write an object over the one with this tag: its new tag, or None where another came first.

    Also None where the first answer was lost on the way: what was written is found there then.

    Args:
        path: of the object.
        data: to write.
        tag: of what was read there.
        once: raise at once where the server is gone, in place of waiting for it.
    """
    from obstore.exceptions import NotFoundError, PreconditionError

    with _readable(path):
        try:
            return _put_if(path, data, {"e_tag": tag}, once=once)
        except (PreconditionError, NotFoundError, FileNotFoundError):
            return None


def _put_if(path: UPath, data: bytes, condition: Any, *, once: bool = False) -> str:
    """The client itself does not repeat a write with a condition, since it could find what it wrote itself."""
    from obstore.exceptions import GenericError

    pauses = _pauses()
    while True:
        try:
            return str(_store(_bucket(path)).put(_key(path), data, mode=condition, use_multipart=False)["e_tag"])
        except GenericError:
            pause = next(pauses, None)
            if pause is None or once:
                raise
            time.sleep(pause)


def _pauses() -> Iterator[float]:
    """Seconds to wait before each further try: as the client itself waits."""
    end, pause = time.monotonic() + _PATIENCE["retry_timeout"].total_seconds(), _PATIENCE["backoff"]["init_backoff"]
    while time.monotonic() < end:
        yield pause.total_seconds()
        pause = min(_PATIENCE["backoff"]["base"] * pause, _PATIENCE["backoff"]["max_backoff"])


def get_tagged(path: UPath) -> tuple[bytes, str] | None:
    """An object's bytes and its tag; None where there is none."""
    with _readable(path):
        try:
            found = _store(_bucket(path)).get(_key(path))
            return bytes(found.bytes()), str(found.meta["e_tag"])
        except FileNotFoundError:
            return None


def get_range(path: UPath, start: int, length: int) -> bytes:
    """Some bytes of an object.

    Raises:
        FileNotFoundError: there is none.
    """
    with _readable(path):
        return bytes(_store(_bucket(path)).get_range(_key(path), start=start, length=length))


@contextmanager
def _readable(path: UPath) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise ObjectStoreError(f"{path}: {in_one_line(error)}") from error


def refusal(error: BaseException) -> str | None:
    """Why a bucket could not be asked, in one line with what to do; None where it is no such error."""
    if not isinstance(error, ObjectStoreError) and type(error).__module__ != "obstore.exceptions":
        return None
    return (
        f"the bucket of the data root: {in_one_line(error)}: expected a server at AWS_ENDPOINT_URL, and a key that it "
        "knows; then run the same command again: what is done is kept"
    )


def in_one_line(error: BaseException) -> str:
    """What a client says, without the insides of the client that it goes on with."""
    return " ".join(str(error).partition("Debug source:")[0].split())


def _options() -> dict[str, Any]:
    # Who writes down such an endpoint wants it; the client asks to be told twice.
    is_plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    client = {"connect_timeout": "10s", "timeout": "120s", "allow_http": is_plain}
    return {"retry_config": _PATIENCE, "client_options": client}


@cache
def _register() -> None:
    """Have paths of buckets speak through obstore, and remember no listing: other machines write, too."""
    from fsspec import register_implementation
    from fsspec.dircache import DirCache
    from obstore.fsspec import FsspecStore

    class Buckets(FsspecStore):
        protocol = SCHEME

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.dircache = DirCache(use_listings_cache=False)
            _see_callers_off(self.loop)

        def _open(self, path: str, mode: str = "rb", *args: Any, **options: Any) -> Any:
            # Whole, in one request: of an object that is written over meanwhile, parts would be of two.
            return io.BytesIO(self.cat_file(path)) if mode == "rb" else super()._open(path, mode, *args, **options)

    register_implementation(SCHEME, Buckets, clobber=True)


def _see_callers_off(loop: Any) -> None:
    """Have Python end only when no thread of the client is on its way out of it.

    Such a thread hands over an answer by waking up fsspec's loop. Who asked has it then, and may end the program while
    the thread still comes back from waking: Python ends threads that want to go on by then, which aborts what is Rust,
    and a command that did all of its work ends by SIGABRT (one in ten on a busy machine).
    """
    if hasattr(loop, "inside"):
        return
    wake, loop.inside = loop.call_soon_threadsafe, []

    def call_soon_threadsafe(*args: Any, **named: Any) -> Any:
        loop.inside.append(None)  # in one step, of several threads
        try:
            return wake(*args, **named)
        finally:
            loop.inside.pop()

    loop.call_soon_threadsafe = call_soon_threadsafe
    atexit.register(_wait_until_none_is, loop.inside)


def _wait_until_none_is(inside: list[None]) -> None:
    end = time.monotonic() + _LEAVING_SECONDS
    while inside and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(0.01)  # for the few steps after the last that is counted


def _bucket(path: UPath) -> str:
    return str(path.path).partition("/")[0]


def _key(path: UPath) -> str:
    return str(path.path).partition("/")[2]


@cache
def _store(bucket: str) -> "S3Store":
    from obstore.store import S3Store

    return S3Store(bucket, **_options())
