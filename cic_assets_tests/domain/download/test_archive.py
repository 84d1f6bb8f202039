"""The recorded archive, every URL of it at once: each outcome right, and bounded in time."""

import csv
import json
import time

import pytest

from cic_assets.domain.download import FetchRequest, Network, download
from cic_assets.domain.media import Outcome
from cic_assets.storage import sha256_hex
from cic_assets.web.replay import ReplayServer

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def archive(shared_data):
    return shared_data / "archive"


@pytest.fixture(scope="module")
def truth(archive):
    """Outcome by URL, of those that only asking can tell."""
    with (archive / "truth.csv").open(newline="", encoding="utf-8") as file:
        return {row["url"]: row["outcome"] for row in csv.DictReader(file) if row["outcome"] != Outcome.SKIPPED}


@pytest.fixture(scope="module")
def whole_routes(archive):
    """The file behind each URL that is answered plainly."""
    lines = (archive / "routes.jsonl").read_text(encoding="utf-8").splitlines()
    routes = [json.loads(line) for line in lines]
    return {
        f"http://{route['host']}{route['path']}": archive / "media" / route["file"]
        for route in routes
        if route.keys() <= {"host", "path", "file", "type"}
    }


def test_every_outcome_is_right_and_nothing_is_fetched_twice(archive, truth, whole_routes, store):
    with ReplayServer(archive) as server:
        network = Network.replay("127.0.0.1", server.port)
        started = time.monotonic()
        results = download([FetchRequest(url=url) for url in truth], store=store, network=network)
        seconds = time.monotonic() - started
        sent = server.sent.total()
        known = {url: one for url, one in results.items() if one.outcome is Outcome.OK}
        second = download([FetchRequest(url=url) for url in known], store=store, network=network, known=known)
        assert server.sent.total() == sent
    assert {url: str(one.outcome) for url, one in results.items()} == truth
    assert seconds < 60
    for url, one in results.items():
        assert bool(one.reason) == (one.outcome is not Outcome.OK), one
        if one.outcome is Outcome.OK and url in whole_routes:
            data = whole_routes[url].read_bytes()
            assert (one.sha256, one.bytes) == (sha256_hex(data), len(data))
            assert store.get(one.sha256, one.format) == data
    assert second == known
