"""Which hosts may be connected to, decided where the connection is made.

A name is resolved once, every address that comes back is checked, and the socket is opened to a checked address: there
is no second look-up that could answer otherwise (DNS rebinding). Cookies are never used, and a proxy only where a
person names one: it is asked for addresses alone.
"""

import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from yarl import URL

from cic_assets.domain.download.manners import Manners, manners_of
from cic_assets.domain.download.results import nothing_unforeseen
from cic_assets.domain.download.urls import blocked, is_address, parse_url

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

    from cic_assets.domain.download.proxies import Tunnels


@dataclass(frozen=True, slots=True)
class Network:
    """The hosts that downloads may reach: the public internet, or one server that stands for all of it.

    Attributes:
        stand_in: address and port of the server that answers for every host name; None for the public internet.
        proxy: URL of the proxy by which the public internet is reached; empty: none. It may have a password.
    """

    stand_in: tuple[str, int] | None = None
    proxy: str = field(default="", repr=False)

    @classmethod
    def public(cls, proxy: str = "") -> Self:
        """Every public host, at addresses that are checked."""
        return cls(proxy=proxy)

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
        with nothing_unforeseen():
            url = parse_url(text, base=base, ports=ports)
        if self.stand_in is not None and is_address(url.raw_host or ""):
            raise blocked(f"{url.raw_host} is an address, and the replayed hosts have names")
        return url

    def manners_of(self, site: str) -> Manners:
        """What a site takes; a server of our own that stands for it is asked no more at once, but as fast as it can."""
        manners = manners_of(site)
        return manners if self.stand_in is None else manners._replace(per_second=math.inf)

    def as_spoken(self, url: URL) -> URL:
        """The URL to hand to the client: https as http where a stand-in answers."""
        return url if self.stand_in is None else url.with_scheme("http")

    @asynccontextmanager
    async def tunnels(self) -> "AsyncIterator[Tunnels | None]":
        """How requests go by the proxy, while the block runs; None where there is none.

        Raises:
            ValueError: it is no URL of a proxy.
        """
        if not self.proxy:
            yield None
            return
        from cic_assets.domain.download.proxies import Proxy, Tunnels
        from cic_assets.domain.download.resolvers import PublicResolver

        resolver = PublicResolver()
        try:
            yield Tunnels(Proxy.parse(self.proxy), resolver)
        finally:
            await resolver.close()

    @asynccontextmanager
    async def connector(self) -> AsyncIterator["aiohttp.TCPConnector"]:
        """A connector that reaches these hosts alone, while the block runs."""
        import aiohttp

        resolver = self._resolver()
        # No limit of its own: `schedule.py` limits, with fairness between hosts.
        connector = aiohttp.TCPConnector(
            resolver=resolver, socket_factory=partial(self._socket, resolver), limit=0, ttl_dns_cache=300
        )
        try:
            yield connector
        finally:
            await connector.close()
            await resolver.close()

    def _resolver(self) -> "AbstractResolver":
        from cic_assets.domain.download.proxies import Proxy
        from cic_assets.domain.download.resolvers import ProxyResolver, PublicResolver, StandInResolver

        if self.proxy:
            return ProxyResolver(Proxy.parse(self.proxy))
        return PublicResolver() if self.stand_in is None else StandInResolver(*self.stand_in)

    def _socket(self, resolver: "AbstractResolver", info: "aiohttp.AddrInfoType") -> socket.socket:
        """Open a socket for an address: the last place where a wrong one can be stopped, whatever led there."""
        from cic_assets.domain.download.resolvers import ProxyResolver, require_public

        family, kind, protocol, _, address = info
        if isinstance(resolver, ProxyResolver):
            resolver.require(str(address[0]), int(address[1]))
        elif self.stand_in is None:
            require_public(str(address[0]))
        elif (address[0], address[1]) != self.stand_in:
            raise blocked(f"{address[0]} is not the replayed archive")
        return socket.socket(family, kind, protocol)


def require_proxy(text: str) -> None:
    """Refuse what is no URL of a proxy, before anything is asked through it.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    from cic_assets.domain.download.proxies import Proxy

    Proxy.parse(text)
