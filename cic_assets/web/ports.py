"""Ports of this machine: whether one is free, asked before what takes long to start; its URL; and who serves there."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cic_assets.web.listening import Listening

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

HEAD_SECONDS = 15.0
"""In which the head of a request has to come, and the next one after an answer: who opens connections and says nothing,
or a letter now and then, would take up all that a process may have."""

GRACE_SECONDS = 10
"""For answers under way when a server is told to end."""


def why_taken(host: str, port: int) -> str | None:
    """Why nothing can listen at a port, in a line; None where it is free."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return f"port {port} of {host} cannot be had: {error.strerror}; choose another"
        except (OverflowError, TypeError, UnicodeError):
            return f"port {port} of {host}: expected a name or an address of this machine, and a port of 0 to 65535"
    return None


def url_of(host: str, port: int) -> str:
    """Where a browser finds what listens there."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def server_of(app: "ASGIApp", at: Listening, on_start: Callable[[], None] = lambda: None) -> "Server":
    """What serves an app, for clients that are not trusted to be quick; `run` does it until interrupted.

    Args:
        app: to serve.
        at: where it listens.
        on_start: called once it does.
    """
    import uvicorn

    class Telling(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_start()

    config = uvicorn.Config(
        app,
        host=at.host,
        port=at.port,
        http=_hurried(),
        access_log=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=int(HEAD_SECONDS),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Telling(config)


def _hurried() -> type[asyncio.Protocol]:
    """How uvicorn speaks HTTP, which by itself waits for ever for the head of a request that was begun."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Hurried(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # one of two, whichever is installed
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._seen: Any = None
            self._look = self.loop.call_later(HEAD_SECONDS, self._look_again)

        def connection_lost(self, exc: Exception | None) -> None:
            self._look.cancel()
            super().connection_lost(exc)

        def _look_again(self) -> None:
            is_answered = self.cycle is None or self.cycle.response_complete
            if is_answered and self.cycle is self._seen:  # no whole head since it was looked at last
                self.transport.close()
                return
            self._seen = self.cycle if is_answered else None
            self._look = self.loop.call_later(HEAD_SECONDS, self._look_again)

    return Hurried
