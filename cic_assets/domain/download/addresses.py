"""Which IP addresses belong to the public internet, and which to somebody's inside.

From the IANA registries of special-purpose addresses (RFC 6890 and its successors), written down here because
`ipaddress.is_global` changed its answers between Python releases. No names and no sockets here.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

_IPV4_SPECIAL = {
    IPv4Network(network): name
    for network, name in {
        "0.0.0.0/8": "unspecified",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-grade NAT",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "cloud platform",  # Azure's WireServer: public by number, the host machine by function
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}

_IPV6_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_IPV6_SPECIAL = {
    IPv6Network(network): name
    for network, name in {
        "2001::/32": "Teredo tunnel",
        "2001::/23": "protocol assignments",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4 tunnel",
        "3ffe::/16": "reserved",
        "3fff::/20": "documentation",
    }.items()
}
_IPV6_ELSEWHERE = {
    IPv6Network(network): name
    for network, name in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "IPv4-mapped",
        "::/96": "IPv4-compatible",
        "64:ff9b:1::/48": "local NAT64",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}


def why_not_public(address: str | IPAddress) -> str | None:
    """What keeps an address from being a public host's, in a word or two; None if it is public.

    IPv6 is let in by what is handed out (2000::/3), not kept out by what is known to be bad. The address inside a
    NAT64 one is judged in its place: networks with IPv6 alone reach every IPv4 host that way.

    Args:
        address: IPv4 or IPv6; one with a zone (`fe80::1%eth0`) is never public.

    Raises:
        ValueError: it is no IP address.
    """
    ip = ip_address(address) if isinstance(address, str) else address
    if isinstance(ip, IPv4Address):
        return _first_match(_IPV4_SPECIAL, ip)
    if ip.scope_id is not None:
        return "link-local"
    if ip in _NAT64:
        return _first_match(_IPV4_SPECIAL, IPv4Address(int(ip) & 0xFFFF_FFFF))
    if ip not in _IPV6_GLOBAL_UNICAST:
        return _first_match(_IPV6_ELSEWHERE, ip) or "reserved"
    return _first_match(_IPV6_SPECIAL, ip)


def _first_match(networks: dict[IPv4Network, str] | dict[IPv6Network, str], ip: IPAddress) -> str | None:
    return next((name for network, name in networks.items() if ip in network), None)
