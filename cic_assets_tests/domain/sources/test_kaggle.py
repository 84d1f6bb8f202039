"""Data sets of Kaggle: real kagglehub against a real server on loopback that plays the calls that it makes.

Written after kagglehub 1.0.2 and kagglesdk 0.1.37; Kaggle itself was not asked.
"""

import builtins
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources import Connection, Partition, Source, SourceError, scrape
from cic_assets.storage import DataRoot

kagglehub = pytest.importorskip("kagglehub", reason="the extra `kaggle` is not installed")


class Kaggle(ThreadingHTTPServer):
    """Kaggle's API for one data set, `somebody/cars-and-tanks`.

    Attributes:
        version: the current one.
        pictures: names and bytes.
        status: what to answer instead, if not 0.
        calls: which were made.
        authorization: of the last call.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.version = 1
        self.pictures = {}
        self.status = 0
        self.calls = []
        self.authorization = None


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = self.path.rsplit("/", 1)[-1]
        self.server.calls.append(call)
        self.server.authorization = self.headers["Authorization"]
        if self.server.status:
            self.answer(self.server.status, b'{"code": %d, "message": "no"}' % self.server.status)
        elif (asked.get("ownerSlug"), asked.get("datasetSlug")) != ("somebody", "cars-and-tanks"):
            self.answer(404, b'{"code": 404, "message": "not found"}')
        elif call == "GetDataset":
            self.answer(200, json.dumps({"currentVersionNumber": self.server.version}).encode())
        else:
            self.answer(200, self.archive(), "application/zip")

    def archive(self):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as file:
            for name, content in self.server.pictures.items():
                file.writestr(name, content)
        return data.getvalue()

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def kaggle(tmp_path, monkeypatch, jpeg):
    from kagglesdk import kaggle_env

    server = Kaggle()
    server.pictures = {"train/car/1.jpg": jpeg(1), "train/car/2.jpg": jpeg(2), "train/tank/3.jpg": jpeg(3)}
    # kagglesdk knows a few fixed addresses, none of which is a free port.
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, endpoint)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def scrape_kaggle(tmp_path):
    root = DataRoot(str(tmp_path / "root"))

    def run(address):
        partition = Partition("set", "car", Source.model_validate(f"kaggle:{address}"))
        connection = Connection("kaggle", None, Network.public())
        return scrape(partition, root, connection, RedditSettings(), DownloadSettings())

    run.root = root
    return run


def test_a_folder_of_a_data_set(kaggle, scrape_kaggle, jpeg):
    result = scrape_kaggle("somebody/cars-and-tanks/train/car")
    assert kaggle.calls == ["GetDataset", "DownloadDataset"]
    assert kaggle.authorization is None  # public data sets need no account
    assert result.outcomes == {"ok": 2}
    row = result.table.set_index("post_id").loc["1.jpg"]
    assert row["media_url"] == "kaggle:somebody/cars-and-tanks/train/car/1.jpg"
    assert row["permalink"] == "https://www.kaggle.com/datasets/somebody/cars-and-tanks"
    assert scrape_kaggle.root.images.get(row["sha256"], "jpeg") == jpeg(1)
    assert scrape_kaggle("somebody/cars-and-tanks").outcomes == {"ok": 3}


def test_the_same_version_is_not_fetched_again(kaggle, scrape_kaggle):
    first = scrape_kaggle("somebody/cars-and-tanks")
    kaggle.calls.clear()
    again = scrape_kaggle("somebody/cars-and-tanks")
    assert kaggle.calls == ["GetDataset"]
    assert (again.version, again.fetched_bytes) == (first.version, 0)
    assert again.table.equals(first.table)


def test_a_new_version_changes_what_changed(kaggle, scrape_kaggle, jpeg):
    first = scrape_kaggle("somebody/cars-and-tanks")
    kaggle.version = 2
    kaggle.pictures["train/car/4.jpg"] = jpeg(4)
    del kaggle.pictures["train/tank/3.jpg"]
    second = scrape_kaggle("somebody/cars-and-tanks")
    assert (second.new_rows, second.gone_rows) == (1, 1)
    assert second.version != first.version
    kept = second.table.merge(first.table, on=["post_id", "sha256", "fetched_at"])
    assert len(kept) == 2


def test_a_pinned_version_is_asked_for_once(kaggle, scrape_kaggle):
    for _ in range(2):
        assert scrape_kaggle("somebody/cars-and-tanks/versions/1/train/tank").outcomes == {"ok": 1}
    assert kaggle.calls == ["DownloadDataset"]


def test_credentials_are_used_where_there_are_some(kaggle, scrape_kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "secret")
    scrape_kaggle("somebody/cars-and-tanks")
    assert kaggle.authorization == "Bearer secret"


@pytest.mark.parametrize(
    ("address", "status", "message", "passing"),
    [
        ("nobody/nothing", 0, r"kaggle:nobody/nothing: Kaggle has no such data set: check https://www\.kaggle", False),
        ("somebody/cars-and-tanks", 401, r"Kaggle refuses \(HTTP 401\): set KAGGLE_API_TOKEN to a token", False),
        ("somebody/cars-and-tanks", 403, r"Kaggle refuses \(HTTP 403\): set KAGGLE_API_TOKEN to a token", False),
        ("somebody/cars-and-tanks", 429, r"Kaggle answers HTTP 429: try again later", True),
        ("somebody/cars-and-tanks", 503, r"Kaggle answers HTTP 503: try again later", True),
        ("somebody/cars-and-tanks/cars", 0, r"kaggle:.*/cars: there is no such folder: .* there are train", False),
        ("somebody/cars-and-tanks/../../../x", 0, r"the folder leads out of the data set", False),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(kaggle, scrape_kaggle, address, status, message, passing):
    kaggle.status = status
    with pytest.raises(SourceError, match=message) as caught:
        scrape_kaggle(address)
    assert caught.value.passing is passing
    assert "\n" not in str(caught.value)


def test_kaggle_out_of_reach_may_pass(kaggle, scrape_kaggle):
    kaggle.shutdown()
    kaggle.server_close()
    with pytest.raises(SourceError, match=r"Kaggle cannot be reached \(ConnectionError\): check") as caught:
        scrape_kaggle("somebody/cars-and-tanks")
    assert caught.value.passing


def test_without_the_extra_it_says_how_to_get_it(scrape_kaggle, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("kagglehub"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SourceError, match=r"needs kagglehub, .* pip install 'cic-assets\[kaggle\]'"):
        scrape_kaggle("somebody/cars-and-tanks")
