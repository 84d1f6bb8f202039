"""From names to addresses that may be connected to, for aiohttp."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from cic_assets.domain.download.addresses import why_not_public
from cic_assets.domain.download.proxies import Proxy
from cic_assets.domain.download.urls import blocked

DNS_THREADS = 16
"""A look-up that hangs holds a thread until the system gives it up, often for 10 s and more."""


def require_public(address: str, name: str | None = None) -> None:
    """Refuse an address that is not public; with `name`, as one of those that it stands for.

    Raises:
        FetchError: `blocked`.
    """
    why = why_not_public(address)
    if why is not None:
        raise blocked(f"{name} names {address}, a {why} address" if name else f"{address} is a {why} address")


class StandInResolver(AbstractResolver):
    """Every name is the one server."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002, the interface's
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002, the interface's
    ) -> list[ResolveResult]:
        """The server's address, whatever the name."""
        return [_resolved(host, *self._address)]

    async def close(self) -> None:
        """Nothing is open."""


class ProxyResolver(AbstractResolver):
    """The name of the proxy that a person chose, and no other: what it is asked for are addresses."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._addresses = {proxy.host}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The proxy's addresses.

        Raises:
            FetchError: another name is asked for.
        """
        if host != self._proxy.host:
            raise blocked(f"{host} is not the proxy")
        addresses = await asyncio.get_running_loop().run_in_executor(None, _look_up, host, family)
        self._addresses.update(addresses)
        return [_resolved(host, address, port) for address in addresses]

    def require(self, address: str, port: int) -> None:
        """Refuse to connect to anything but the proxy.

        Raises:
            FetchError: `blocked`.
        """
        if address not in self._addresses or port != self._proxy.port:
            raise blocked(f"{address} is not the proxy")

    async def close(self) -> None:
        """Nothing is open."""


class PublicResolver(AbstractResolver):
    """The system's resolver, refusing names of which any address is not public.

    One bad address is enough: an honest name has none, and a name that mixes them is meant to be tried until it hits.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name, each of them checked.

        Raises:
            FetchError: one of them is not public.
        """
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(self._threads, _look_up, host, family)
        for address in infos:
            require_public(address, host)
        return [_resolved(host, address, port) for address in infos]

    async def close(self) -> None:
        """Leave look-ups that hang to themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, family: socket.AddressFamily) -> list[str]:
    infos = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _resolved(hostname: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=hostname, host=address, port=port, family=family, proto=0, flags=flags)
