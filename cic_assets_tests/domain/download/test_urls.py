"""What is asked for is what was given, as far as it may be."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cic_assets.domain.download.results import FetchError
from cic_assets.domain.download.urls import check_host, is_address, parse_url

PORTS = frozenset({80, 443, 8080})


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://i.redd.it/AbC.JPG?X=Y%2fz+a&s=1", "http://i.redd.it/AbC.JPG?X=Y%2fz+a&s=1"),
        ("  HTTPS://I.Redd.IT/x \n", "https://i.redd.it/x"),
        ("http://a.example", "http://a.example/"),
        ("http://a.example?x=1", "http://a.example/?x=1"),
        ("http://a.example/x#part", "http://a.example/x"),
        ("http://a.example:80/x", "http://a.example/x"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
        ("https://a.example:80/x", "https://a.example:80/x"),
        ("http://a.example./x", "http://a.example/x"),
        ("http://a.example/my photo (1).jpg", "http://a.example/my%20photo%20(1).jpg"),
        ("http://a.example/%zz%2F%41", "http://a.example/%zz%2F%41"),
        ("http://a.example/a\\b<c>", "http://a.example/a%5Cb%3Cc%3E"),
        ("http://a.example/ü.jpg?q=é", "http://a.example/%C3%BC.jpg?q=%C3%A9"),
        ("http://bücher.example/x", "http://xn--bcher-kva.example/x"),
        ("http://my_host.example/x", "http://my_host.example/x"),
        ("http://93.184.215.14/x", "http://93.184.215.14/x"),
        ("http://[2606:4700::1111]/x", "http://[2606:4700::1111]/x"),
        ("http://a.example/../x/./y", "http://a.example/../x/./y"),
        ("http://a.example//double//", "http://a.example//double//"),
    ],
)
def test_urls_arrive_as_given(text, url):
    assert str(parse_url(text, ports=PORTS)) == url


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/y", "https://a.example/y"),
        ("y?b", "https://a.example/d/y?b"),
        ("?b", "https://a.example/d/x?b"),
        ("//b.example/y", "https://b.example/y"),
        ("http://b.example/y", "http://b.example/y"),
    ],
)
def test_locations_are_relative_to_where_they_come_from(location, url):
    assert str(parse_url(location, base=URL("https://a.example/d/x?q"), ports=PORTS)) == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "blocked: URL without a scheme"),
        ("x.jpg", "blocked: URL without a scheme"),
        ("http://", "error: URL without a host"),
        ("mailto:x@a.example", "blocked: scheme 'mailto', only http and https are asked"),
        ("http://a.example:21/", "blocked: port 21, only 80, 443, 8080 are asked"),
        ("http://a.example:x/", "error: not a URL: "),
        ("http://" + "a" * 64 + ".example/", "error: not a host name: "),
        ("http://" + "a." * 127 + "example/", "error: not a host name: "),
        ("http://-a.example/", "error: not a host name: "),
        ("http://a..example/", "error: not a host name: "),
        ("http://a b.example/", "error: not a URL: "),
        ("http://a.example/" + "x" * 9000, "error: URL of 9017 characters, at most 8192 are taken"),
        ("http://a.example/\0", "error: control character in the URL"),
        ("http://a.example/\ud800", "error: not a URL: "),
        ("http://[x]@/x.jpg", "error: not a URL: "),
        ("http://a[]@", "error: not a URL: "),
        ("https://i.redd.it][@/x.jpg", "error: not a URL: "),
        ("http://10.0.0.1/", "blocked: 10.0.0.1 is a private address"),
        ("http://0x7f.1/", "blocked: 0x7f.1 is an address in disguise"),
        ("http://router/", "blocked: router is a name of a local network"),
    ],
)
def test_what_is_refused_says_why(text, reason):
    with pytest.raises(FetchError) as refused:
        parse_url(text, ports=PORTS)
    assert str(refused.value).startswith(reason)


@given(st.text() | st.from_regex(r"https?://[!-~]{1,30}") | st.from_regex(r"https?://[]\[@:/.a]{1,8}", fullmatch=True))
def test_anything_is_a_url_or_refused(text):
    try:
        url = parse_url(text, ports=PORTS)
    except FetchError:
        return
    assert url.scheme in ("http", "https")
    assert url.port in PORTS
    assert url.user is None
    assert str(url).isascii()
    assert str(url).isprintable()
    assert check_host(url.raw_host) == url.raw_host
    # What is sent is read by others as what we read: taking it apart again changes nothing.
    assert parse_url(str(url), ports=PORTS) == url


@given(st.ip_addresses(v=4), st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]))
def test_no_number_passes_for_a_name(address, form):
    for host in (form.format(int(address)), ".".join(form.format(byte) for byte in address.packed)):
        with contextlib.suppress(FetchError):
            assert is_address(check_host(host))
