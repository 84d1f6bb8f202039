"""Taking a URL apart, once, and putting it together again from parts that were checked.

What is asked is built from those parts, so that there is no second parser that could read the URL differently: no
userinfo, no backslash, no control character, no number that a resolver would take for an address. Whether a name's
addresses may be connected to is decided in `network.py`, when they are known.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

from yarl import URL

from cic_assets.domain.download.addresses import why_not_public
from cic_assets.domain.download.results import FetchError
from cic_assets.domain.media import Outcome

MAX_URL_LENGTH = 8192
"""Longer ones are refused; servers commonly accept 8 kB (nginx, Apache), and aiohttp reads lines of that length."""

_UNENCODED = "".join(c for c in map(chr, range(0x21, 0x7F)) if c not in '"<>\\^`{|}')
"""What a URL may hold as it is (RFC 3986), the percent sign of what is encoded already included."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_MAX_NAME_LENGTH = 253  # RFC 1035, without the root
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_SUFFIXES = ("localhost", "local", "internal", "home.arpa", "onion")
"""Names that are never public (RFC 6761, 6762, 7686, 8375, ICANN's `.internal`), so no resolver is bothered."""


def blocked(reason: str) -> FetchError:
    """A refusal on our side: nothing was, or will be, connected to."""
    return FetchError(Outcome.BLOCKED, reason)


def parse_url(text: str, *, base: URL | None = None, ports: frozenset[int]) -> URL:
    """An http or https URL whose host is a public-looking name or a public address; case and query as given.

    Args:
        text: as found on a page; spaces around it are ignored, spaces and other characters inside are encoded.
        base: the URL whose Location header `text` is, for relative ones.
        ports: the ports that may be asked.

    Raises:
        FetchError: `blocked` for what must not be asked, `error` for what is no URL.
    """
    text = text.strip(" \t\r\n\f")
    if len(text) > MAX_URL_LENGTH:
        raise FetchError(Outcome.ERROR, f"URL of {len(text)} characters, at most {MAX_URL_LENGTH} are taken")
    if _CONTROL.search(text):
        raise FetchError(Outcome.ERROR, "control character in the URL")
    try:
        url = URL(text, encoded=True)
        url = base.join(url) if base is not None else url
        return _rebuilt(url, ports)
    except (ValueError, IndexError) as error:
        # yarl's words for what cannot be taken apart: a port that is no number, brackets before an empty host.
        raise FetchError(Outcome.ERROR, f"not a URL: {error}"[:200]) from error


def _rebuilt(url: URL, ports: frozenset[int]) -> URL:
    if url.scheme not in ("http", "https"):
        raise blocked(f"scheme {url.scheme!r}, only http and https are asked" if url.scheme else "URL without a scheme")
    if not url.raw_host:
        raise FetchError(Outcome.ERROR, "URL without a host")
    if url.raw_user is not None or url.raw_password is not None:
        raise blocked("name and password in the URL")
    port = url.port
    if port not in ports:
        raise blocked(f"port {port}, only {', '.join(map(str, sorted(ports)))} are asked")
    host = check_host(url.raw_host)
    return URL.build(
        scheme=url.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=None if url.is_default_port() else port,
        path=quote(url.raw_path or "/", safe=_UNENCODED),
        query_string=quote(url.raw_query_string, safe=_UNENCODED),
        encoded=True,
    )


def check_host(host: str) -> str:
    """A host as it is asked for: a lower-case name, or a public address in its usual form.

    Raises:
        FetchError: `blocked` for addresses that are not public or oddly written, and for names of local use;
            `error` for what is no host name.
    """
    if ":" in host:
        return _check_ipv6(host)
    # To ASCII first: full-width digits and dots become an address only there.
    name = (URL.build(scheme="http", host=host).raw_host or "").lower().rstrip(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _check_ipv4(name)
    if len(name) > _MAX_NAME_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise FetchError(Outcome.ERROR, f"not a host name: {host[:80]!r}")
    if len(labels) == 1 or any(name.endswith("." + suffix) for suffix in _LOCAL_SUFFIXES):
        raise blocked(f"{name[:80]} is a name of a local network")
    return name


def _check_ipv4(text: str) -> str:
    """Dotted decimal only: a host that ends in a number is an address (WHATWG URL), and honest links write it so."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise blocked(f"{text[:80]} is an address in disguise") from None
    return _check_public(address)


def _check_ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise blocked(f"{text[:80]} is an address in disguise") from None
    return _check_public(address)


def _check_public(address: IPv4Address | IPv6Address) -> str:
    why = why_not_public(address)
    if why is not None:
        raise blocked(f"{address} is a {why} address")
    return str(address)


def is_address(host: str) -> bool:
    """Whether a host from `parse_url` is an address and not a name."""
    return ":" in host or host.rsplit(".", 1)[-1].isdigit()
