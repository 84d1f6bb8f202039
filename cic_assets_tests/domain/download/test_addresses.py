"""Public addresses pass, all others have a reason."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download.addresses import why_not_public


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.215.14",
        "172.15.255.255",
        "172.32.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2a00:1450::1",
        "64:ff9b::1.1.1.1",
    ],
)
def test_public(address):
    assert why_not_public(address) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("10.255.255.255", "private"),
        ("172.31.255.255", "private"),
        ("100.100.100.200", "carrier-grade NAT"),
        ("169.254.169.254", "link-local"),
        ("168.63.129.16", "cloud platform"),
        ("0.1.2.3", "unspecified"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::8.8.8.8", "IPv4-compatible"),
        ("64:ff9b::169.254.169.254", "link-local"),
        ("64:ff9b:1::808:808", "local NAT64"),
        ("2001::1", "Teredo tunnel"),
        ("2001:20::1", "protocol assignments"),
        ("2002:808:808::1", "6to4 tunnel"),
        ("fd12::1", "private"),
        ("fe80::1", "link-local"),
        ("2606:4700::1111%eth0", "link-local"),
        ("ff0e::1", "multicast"),
        ("4000::1", "reserved"),
        ("3fff::1", "documentation"),
    ],
)
def test_not_public(address, why):
    assert why_not_public(address) == why


@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_calls_private(address):
    if address.is_private or address.is_multicast or address.is_reserved:
        nat64 = address.version == 6 and address in ipaddress.ip_network("64:ff9b::/96")
        assert nat64 or why_not_public(address) is not None


@given(st.ip_addresses(v=4))
def test_a_nat64_address_is_judged_by_what_is_inside(address):
    inside = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))
    assert why_not_public(inside) == why_not_public(address)


def test_no_address():
    with pytest.raises(ValueError, match="example"):
        why_not_public("a.example")
