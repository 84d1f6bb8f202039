"""Which hosts may be connected to, decided where the connection is made.

A name is resolved once, every address that comes back is checked, and the socket is opened to a checked address: there
is no second look-up that could answer otherwise (DNS rebinding). Proxies and cookies are never used.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from cic_assets.domain.download.addresses import why_not_public
from cic_assets.domain.download.urls import blocked, is_address, parse_url

DNS_THREADS = 16
"""A look-up that hangs holds a thread until the system gives it up, often for 10 s and more."""


@dataclass(frozen=True, slots=True)
class Network:
    """The hosts that downloads may reach: the public internet, or one server that stands for all of it.

    Attributes:
        stand_in: address and port of the server that answers for every host name; None for the public internet.
    """

    stand_in: tuple[str, int] | None = None

    @classmethod
    def public(cls) -> Self:
        """Every public host, at addresses that are checked."""
        return cls()

    @classmethod
    def replay(cls, host: str, port: int) -> Self:
        """A replayed archive: each host name means this server, and nothing else is connected to.

        https is spoken as http, for the server has no certificates. Addresses in URLs stay refused, its own too.

        Args:
            host: an IP address, not a name.
            port: where it listens.

        Raises:
            ValueError: `host` is no IP address.
        """
        return cls((str(ip_address(host)), port))

    def parse(self, text: str, *, base: URL | None = None, ports: frozenset[int]) -> URL:
        """A URL that may be asked for; see `parse_url`.

        Raises:
            FetchError: it may not.
        """
        url = parse_url(text, base=base, ports=ports)
        if self.stand_in is not None and is_address(url.raw_host or ""):
            raise blocked(f"{url.raw_host} is an address, and the replayed hosts have names")
        return url

    def as_spoken(self, url: URL) -> URL:
        """The URL to hand to the client: https as http where a stand-in answers."""
        return url if self.stand_in is None else url.with_scheme("http")

    @asynccontextmanager
    async def connector(self) -> AsyncIterator[aiohttp.TCPConnector]:
        """A connector that reaches these hosts alone, while the block runs."""
        resolver = _PublicResolver() if self.stand_in is None else _StandInResolver(*self.stand_in)
        # No limit of its own: `schedule.py` limits, with fairness between hosts.
        connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=self._socket, limit=0, ttl_dns_cache=300)
        try:
            yield connector
        finally:
            await connector.close()
            await resolver.close()

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Open a socket for an address: the last place where a wrong one can be stopped, whatever led there."""
        family, kind, protocol, _, address = info
        if self.stand_in is None:
            _require_public(str(address[0]))
        elif (address[0], address[1]) != self.stand_in:
            raise blocked(f"{address[0]} is not the replayed archive")
        return socket.socket(family, kind, protocol)


def _require_public(address: str, name: str | None = None) -> None:
    why = why_not_public(address)
    if why is not None:
        raise blocked(f"{name} names {address}, a {why} address" if name else f"{address} is a {why} address")


class _StandInResolver(AbstractResolver):
    """Every name is the one server."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002, the interface's
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002, the interface's
    ) -> list[ResolveResult]:
        return [_resolved(host, *self._address)]

    async def close(self) -> None:
        return


class _PublicResolver(AbstractResolver):
    """The system's resolver, refusing names of which any address is not public.

    One bad address is enough: an honest name has none, and a name that mixes them is meant to be tried until it hits.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(self._threads, _look_up, host, family)
        for address in infos:
            _require_public(address, host)
        return [_resolved(host, address, port) for address in infos]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, family: socket.AddressFamily) -> list[str]:
    infos = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _resolved(hostname: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=hostname, host=address, port=port, family=family, proto=0, flags=flags)
