"""Pictures by a proxy, with nothing unchecked: names are resolved here, and the proxy is asked for addresses.

A proxy that is given a name resolves it itself, and may lead to any address of its own network. So it is told to tunnel
to an address that was checked (CONNECT), within which the host is asked under its name, over TLS. Without TLS a proxy
reads the request, and goes by the name: plain http is not asked through it.
"""

import base64
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from aiohttp.abc import AbstractResolver
from yarl import URL

from cic_assets.domain.download.results import FetchError
from cic_assets.domain.download.urls import blocked, is_address
from cic_assets.domain.media import Outcome

EXPECTED = "http://HOST:PORT, or http://NAME:PASSWORD@HOST:PORT with ?, # and / of a password as %3F, %23 and %2F"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that speaks http.

    Attributes:
        host: its name or address, which may be of a local network: a person chose it.
        port: where it listens.
        authorization: the header that it wants; empty for none.
    """

    host: str
    port: int
    authorization: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """A proxy by its URL.

        Raises:
            ValueError: it is none.
        """
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(f"expected {EXPECTED}") from None
        # A password that has one of these begins another part with it.
        has_more = parts.path.strip("/") or parts.query or parts.fragment
        if not _is_host(host) or not port or parts.scheme != "http" or has_more:
            raise ValueError(f"expected {EXPECTED}")
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return cls(host, port, f"Basic {base64.b64encode(login.encode()).decode()}" if parts.username else "")

    @property
    def url(self) -> URL:
        """Its URL, without a password."""
        return URL.build(scheme="http", host=self.host, port=self.port)


def _is_host(host: str) -> bool:
    try:
        return ip_address(host) is not None and "%" not in host
    except ValueError:
        return _HOST.fullmatch(host) is not None


@dataclass(frozen=True)
class Tunnels:
    """How requests go by a proxy.

    Attributes:
        proxy: that is asked.
        resolver: which refuses what is not public.
    """

    proxy: Proxy
    resolver: AbstractResolver

    async def through(self, url: URL) -> tuple[URL, Mapping[str, Any]]:
        """What is asked in place of a checked URL, and how.

        Raises:
            FetchError: it may not be asked so, or its name has no address here.
        """
        if url.scheme != "https":
            raise blocked(f"{url.scheme} is not asked through a proxy, which would resolve the name unchecked")
        host = url.raw_host or ""
        address = host if is_address(host) else await self._address(host)
        headers = {"Proxy-Authorization": self.proxy.authorization} if self.proxy.authorization else {}
        return url.with_host(address), {
            "proxy": self.proxy.url,
            "proxy_headers": headers,
            "server_hostname": host,
            "headers": {"Host": host if url.is_default_port() else f"{host}:{url.port}"},
        }

    async def _address(self, host: str) -> str:
        try:
            found = await self.resolver.resolve(host, 443)
        except OSError as error:
            may_pass = error.errno == socket.EAI_AGAIN
            words = f"no address for {host}, and the proxy is not left to look for it"
            raise FetchError(Outcome.ERROR, words, transient=may_pass, host_fault=True) from error
        # Not every proxy speaks IPv6.
        return str(min((one["host"] for one in found), key=lambda address: ":" in address))
