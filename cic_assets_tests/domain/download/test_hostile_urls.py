"""No URL and no redirect opens a socket to anything but the host that is allowed, seen at the sockets themselves."""

import socket

import pytest

from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download, examine, resolvers
from cic_assets.domain.download import network as network_module
from cic_assets.domain.download.results import FetchError
from cic_assets.domain.media import Outcome

SETTINGS = DownloadSettings(retries=0, answer_seconds=2)

HOSTILE = """
    http://127.0.0.1/x.jpg
    http://127.0.0.1:8080/x.jpg
    https://127.0.0.1/x.jpg
    http://127.1/x.jpg
    http://127.0.1/x.jpg
    http://2130706433/x.jpg
    http://0x7f000001/x.jpg
    http://0x7f.0.0.1/x.jpg
    http://0x7F.1/x.jpg
    http://017700000001/x.jpg
    http://0177.0.0.1/x.jpg
    http://127.0.0.01/x.jpg
    http://127.0.0.1./x.jpg
    http://1.2.3.4.5/x.jpg
    http://256.256.256.256/x.jpg
    http://4294967296/x.jpg
    http://0/x.jpg
    http://0.0.0.0/x.jpg
    http://10.0.0.1/x.jpg
    http://172.16.0.1/x.jpg
    http://192.168.1.1/x.jpg
    http://100.64.0.1/x.jpg
    http://100.100.100.200/latest/meta-data/
    http://169.254.169.254/latest/meta-data/
    http://2852039166/latest/meta-data/
    http://0xa9.0xfe.0xa9.0xfe/latest/meta-data/
    http://168.63.129.16/machine
    http://192.0.0.192/opc
    http://198.18.0.1/x.jpg
    http://203.0.113.1/x.jpg
    http://224.0.0.1/x.jpg
    http://255.255.255.255/x.jpg
    http://[::1]/x.jpg
    http://[::]/x.jpg
    http://[::ffff:127.0.0.1]/x.jpg
    http://[::ffff:7f00:1]/x.jpg
    http://[0:0:0:0:0:ffff:a9fe:a9fe]/x.jpg
    http://[::127.0.0.1]/x.jpg
    http://[64:ff9b::7f00:1]/x.jpg
    http://[64:ff9b::10.0.0.1]/x.jpg
    http://[64:ff9b:1::a00:1]/x.jpg
    http://[2002:7f00:1::]/x.jpg
    http://[2002:a9fe:a9fe::1]/x.jpg
    http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/x.jpg
    http://[fe80::1]/x.jpg
    http://[fe80::1%25eth0]/x.jpg
    http://[fe80::1%eth0]/x.jpg
    http://[fd00:ec2::254]/latest/meta-data/
    http://[fec0::1]/x.jpg
    http://[ff02::1]/x.jpg
    http://[2001:db8::1]/x.jpg
    http://[5f00::1]/x.jpg
    http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/x.jpg
    http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/x.jpg
    http://127\u30020\u30020\u30021/x.jpg
    http://169\uff0e254\uff0e169\uff0e254/x.jpg
    http://%31%32%37.0.0.1/x.jpg
    http://127.0.0.1%2f@a.example/x.jpg
    http://i.redd.it@169.254.169.254/x.jpg
    http://user:pass@i.redd.it/x.jpg
    http://i.redd.it:80@10.0.0.1/x.jpg
    http://10.0.0.1#@i.redd.it/x.jpg
    http://10.0.0.1?@i.redd.it/x.jpg
    http://10.0.0.1\\@i.redd.it/x.jpg
    http://i.redd.it\\@10.0.0.1/x.jpg
    http://1.1.1.1 &@10.0.0.1# @3.3.3.3/x.jpg
    http://10.0.0.1\t.example/x.jpg
    http://localhost/x.jpg
    http://LOCALHOST./x.jpg
    http://x.localhost/x.jpg
    http://router/x.jpg
    http://printer.local/x.jpg
    http://metadata.google.internal/computeMetadata/v1/
    http://nas.home.arpa/x.jpg
    http://hidden.onion/x.jpg
    http://i.redd.it:22/x.jpg
    http://i.redd.it:6379/x.jpg
    http://i.redd.it:0/x.jpg
    http://i.redd.it:99999/x.jpg
    http://i.redd.it:80:80/x.jpg
    http://[::1/x.jpg
    file:///etc/passwd
    FILE:///etc/passwd
    ftp://i.redd.it/x.jpg
    gopher://i.redd.it:70/_x
    dict://i.redd.it:2628/x
    data:image/png;base64,iVBORw0KGgo=
    javascript:alert(1)
    jar:http://i.redd.it/x!/y
    unix:/var/run/docker.sock
    http+unix://%2Fvar%2Frun%2Fdocker.sock/x
    ws://i.redd.it/x
    tcp://i.redd.it:80/
    //169.254.169.254/latest/meta-data/
""".splitlines()[1:]
HOSTILE = [line.removeprefix("    ") for line in HOSTILE if line.strip()]


def test_the_table_is_long():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_and_redirects(host, store, sockets, picture, url):
    """Asked for directly, behind a redirect, and at the end of a chain of them."""
    allowed = ("127.0.0.1", host.port)
    host.handlers["*"] = host.answer(200, picture())  # whatever gets there is a picture: that is how it would show
    direct = FetchRequest(url=url, fallback_url=url)
    location = url.encode().decode("latin-1")
    redirect = FetchRequest(url=host.serve("i.redd.it/1", host.answer(302, Location=location)), fallback_url=url)
    chain = FetchRequest(url=host.serve("i.redd.it/2", host.answer(301, Location="//b.example/3")))
    host.serve("b.example/3", host.answer(308, Location="/4"))
    host.serve("b.example/4", host.answer(307, Location=location))
    results = download([direct, redirect, chain], store=store, settings=SETTINGS, network=Network.replay(*allowed))
    assert set(sockets.connected) <= {allowed}
    assert sockets.looked_up == []
    outcomes = {result.outcome for result in results.values()}
    assert outcomes <= {Outcome.BLOCKED, Outcome.ERROR}, results
    assert set(host.asked) <= {"i.redd.it/1", "i.redd.it/2", "b.example/3", "b.example/4"}
    assert not store.root.exists()


@pytest.mark.parametrize("location", ["http:///x.jpg", "http:10.0.0.1/x.jpg", "http:x.jpg"])
def test_a_redirect_without_a_host_stays_at_its_own(host, store, sockets, location):
    """Such a URL is refused; a Location like it is read relative to where it came from (RFC 3986, 5.2)."""
    direct, redirect = location, host.serve("i.redd.it/1", host.answer(302, Location=location))
    requests = [FetchRequest(url=url) for url in (direct, redirect)]
    results = download(requests, store=store, settings=SETTINGS, network=Network.replay("127.0.0.1", host.port))
    assert results[direct].reason == "URL without a host"
    assert results[redirect].reason == "HTTP 404"
    assert set(sockets.connected) == {("127.0.0.1", host.port)}


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_on_the_public_network(store, sockets, url):
    result = download([FetchRequest(url=url)], store=store, settings=SETTINGS, network=Network.public())[url]
    assert sockets.connected == []
    assert sockets.looked_up == []
    assert result.outcome in {Outcome.BLOCKED, Outcome.ERROR}
    assert result.reason
    assert result.attempts == 0


def test_a_public_address_is_not_the_replayed_archive(store, sockets):
    url = "http://93.184.215.14/x.jpg"
    result = download([FetchRequest(url=url)], store=store, settings=SETTINGS, network=Network.replay("127.0.0.1", 1))[
        url
    ]
    assert (result.outcome, sockets.connected) == (Outcome.BLOCKED, [])


@pytest.fixture
def names(monkeypatch):
    """Answers of the Domain Name System, by name, in turn: a machine without a network has none of its own."""
    answers = {}
    asked = []

    def getaddrinfo(name, port, **options):
        asked.append(name)
        if name not in answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        turns = answers[name]
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, options["type"], 6, "", (address, port or 0))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answers["asked"] = asked
    return answers


PRIVATE = [
    ["127.0.0.1"],
    ["10.1.2.3"],
    ["169.254.169.254"],
    ["::1"],
    ["::ffff:10.0.0.1"],
    ["fd00::1"],
    ["fe80::1%2"],
    ["64:ff9b::a00:1"],
    ["2002:a00:1::"],
    ["93.184.215.14", "10.0.0.1"],
    ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
]


@pytest.mark.parametrize("addresses", PRIVATE, ids=str)
def test_names_of_private_addresses(store, sockets, names, addresses):
    names["evil.example"] = [addresses]
    url = "http://evil.example/x.jpg"
    result = download([FetchRequest(url=url)], store=store, settings=SETTINGS)[url]
    assert sockets.connected == []
    assert result.outcome is Outcome.BLOCKED
    assert result.reason.startswith("evil.example names ")


def test_a_name_that_changes_its_address(store, sockets, names):
    """DNS rebinding: public when checked, private a moment later. It is looked up once, and connected to as it was."""
    names["rebind.example"] = [["93.184.215.14"], ["127.0.0.1"]]
    urls = [f"http://rebind.example/{number}" for number in range(3)]
    settings = SETTINGS.model_copy(update={"retries": 2, "backoff_seconds": 0.01})
    results = download([FetchRequest(url=url) for url in urls], store=store, settings=settings)
    assert names["asked"] == ["rebind.example"]
    assert set(sockets.connected) == {("93.184.215.14", 80)}
    assert {result.outcome for result in results.values()} == {Outcome.ERROR}


def test_a_name_is_checked_again_in_the_next_run(store, sockets, names):
    names["rebind.example"] = [["93.184.215.14"], ["127.0.0.1"]]
    url = "http://rebind.example/x"
    first, second = (download([FetchRequest(url=url)], store=store, settings=SETTINGS)[url] for _ in range(2))
    assert (first.outcome, second.outcome) == (Outcome.ERROR, Outcome.BLOCKED)
    assert sockets.connected == [("93.184.215.14", 80)]


def test_a_name_that_nobody_has(store, sockets, names):
    url = "http://nobody.example/x"
    result = download([FetchRequest(url=url)], store=store, settings=SETTINGS)[url]
    assert (result.outcome, result.reason, result.attempts) == (Outcome.ERROR, "no address for nobody.example", 1)


def test_a_public_host_is_reached_and_its_redirects_are_checked(host, store, sockets, names, picture, monkeypatch):
    """The public network over a real connection: loopback counts as public here, and 10.0.0.0/8 stays private."""
    judge = resolvers.why_not_public
    monkeypatch.setattr(resolvers, "why_not_public", lambda ip: None if ip == "127.0.0.1" else judge(ip))
    names["a.example"], names["inside.example"] = [["127.0.0.1"]], [["10.0.0.1"]]
    port = host.port
    settings = SETTINGS.model_copy(update={"ports": frozenset({port})})
    good, bad = f"http://a.example:{port}/good", f"http://a.example:{port}/bad"
    host.serve(f"a.example:{port}/good", host.answer(200, picture()))
    host.serve(f"a.example:{port}/bad", host.answer(302, Location=f"http://inside.example:{port}/"))
    results = download([FetchRequest(url=url) for url in (good, bad)], store=store, settings=settings)
    assert results[good].outcome is Outcome.OK
    assert results[bad].outcome is Outcome.BLOCKED
    assert results[bad].reason == "inside.example names 10.0.0.1, a private address"
    assert set(sockets.connected) == {("127.0.0.1", port)}


def test_proxies_of_the_environment_are_not_used(host, store, sockets, monkeypatch, picture):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    url = host.serve("a.example/x", host.answer(200, picture()))
    result = download([FetchRequest(url=url)], store=store, network=Network.replay("127.0.0.1", host.port))[url]
    assert result.outcome is Outcome.OK
    assert set(sockets.connected) == {("127.0.0.1", host.port)}


def test_the_socket_itself_refuses(sockets):
    """The last line: even if all checks before it let an address pass."""
    for network, address in [
        (Network.public(), ("10.0.0.1", 80)),
        (Network.replay("127.0.0.1", 8765), ("127.0.0.1", 22)),
        (Network.replay("127.0.0.1", 8765), ("93.184.215.14", 8765)),
    ]:
        with pytest.raises(FetchError, match="blocked"):
            network._socket(network._resolver(), (socket.AF_INET, socket.SOCK_STREAM, 0, "", address))


def test_a_replayed_archive_has_an_address_not_a_name():
    with pytest.raises(ValueError, match="localhost"):
        Network.replay("localhost", 80)


@pytest.mark.parametrize("nonsense", ["http://[x]@/x.jpg", "//[x]@/", "http://a[]@"])
def test_what_no_parser_takes_is_the_end_of_its_url_alone(host, fetch, picture, nonsense):
    good = host.serve("a.example/good", host.answer(200, picture()))
    leads = host.serve("a.example/leads", host.answer(302, Location=nonsense))
    results = fetch(good, leads, nonsense)
    assert results[good].outcome is Outcome.OK
    assert results[leads].outcome is Outcome.ERROR
    assert results[nonsense].outcome in {Outcome.ERROR, Outcome.BLOCKED}


def test_what_nobody_foresaw_is_the_end_of_its_url_alone(host, fetch, picture, monkeypatch, caplog):
    """A bug of a parser of theirs or ours, for the URL and for the bytes."""
    monkeypatch.setattr(network_module, "parse_url", break_at("broken", network_module.parse_url))
    monkeypatch.setattr(examine, "inspect_header", break_at(picture(2), examine.inspect_header))
    good = host.serve("a.example/good", host.answer(200, picture(1)))
    odd = host.serve("a.example/odd", host.answer(200, picture(2)))
    results = fetch(good, odd, "http://a.example/broken")
    assert results[good].outcome is Outcome.OK
    for url in (odd, "http://a.example/broken"):
        assert (results[url].outcome, results[url].reason) == (Outcome.ERROR, "unforeseen RecursionError")
    assert "a bug" in caplog.text


def break_at(what, function):
    """The function, with a bug for an argument that has this in it."""

    def broken(text, *more, **options):
        if what in text:
            raise RecursionError("a bug")
        return function(text, *more, **options)

    return broken
