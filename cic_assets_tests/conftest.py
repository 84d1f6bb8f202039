"""What all tests share: real pictures, archives made on the spot, and the private test data where it is here."""

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests
from _pytest.nodeid import coerce_node_id
from hypothesis import HealthCheck, settings

from cic_assets_tests.fixtures.effort import LONG, short_or_long

pytest_plugins = [
    "cic_assets_tests.fixtures.archives",
    "cic_assets_tests.fixtures.machines",
    "cic_assets_tests.fixtures.commands",
    "cic_assets_tests.fixtures.kubernetes_api",
    "cic_assets_tests.fixtures.object_stores",
    "cic_assets_tests.fixtures.open_collections",
    "cic_assets_tests.fixtures.postgres",
    "cic_assets_tests.fixtures.predictors",
    "cic_assets_tests.fixtures.ray_cluster",
    "cic_assets_tests.fixtures.reviewed",
    "cic_assets_tests.fixtures.worlds",
    "cic_assets_tests.fixtures.finished_worlds",
    "cic_assets_tests.fixtures.finished",  # after those that it imports: pytest rewrites a plugin when it loads it
    "cic_assets_tests.fixtures.large",
]

# Several processes train at once, here and in what they start: more threads each would only take turns.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
# What is the default anyway; named, it spares trainings the import of JAX, which is here for tests of that backend.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Where the package index is reached, each home of a test would fetch 83 MB of Xception's weights from it, and each data
# set with features would have its pictures looked at by Xception: half of what such a test takes. Tests that want
# weights give them, or an index of their own.
if not LONG:
    os.environ["PIP_NO_INDEX"] = "1"

# As `cic` does, whose imports a test in this process waits for.
gc.set_threshold(10_000)

# Who runs the tests in the background may have Ctrl+C ignored, and what they start would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no fault of the code: how long an example takes is for benchmarks to say.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=short_or_long(30, 200),
)
settings.load_profile("any machine")


HERE = Path(__file__).resolve().parent
BEFORE_ALL = ("test_acceptance.py", "test_daemon.py")
"""Files whose tests take many minutes, one after the other on one worker: all else is done beside them."""
LONGEST_FIRST = (
    "test_docs.py", "test_run_graph.py", "test_takedowns.py", "test_exit_codes.py", "e2e", "cli", "models",
    "orchestration",
)  # fmt: skip
"""Files of long tests, and folders of such: begun last, one would keep one worker at work alone."""


def pytest_xdist_auto_num_workers():
    """Two more than there are cores: some tests wait for clocks and servers most of the time."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(config, items):
    """But for what takes longest, fast tests come first. Those of a file stay together on one worker, which so makes
    what they share once.

    Its slow ones are a group of their own, and a test may name another.
    """
    items.sort(key=lambda item: (item.path.name not in BEFORE_ALL, _is_slow(item), _turn(item)))
    if not getattr(config.option, "loadgroup", False):  # set in the workers of pytest-xdist
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        file = item.path.relative_to(HERE).as_posix().replace("/", ".")
        group = mark.args[0] if mark else f"{file}: slow" if _is_slow(item) else file
        # pytest-xdist 3.8 puts a group behind a test's id in a place that pytest no longer reads.
        item._id = coerce_node_id(f"{item.nodeid}@{group}")


def _turn(item):
    """Of a test, among those that are as slow."""
    parts = item.path.relative_to(HERE).parts
    return next((turn for turn, name in enumerate(LONGEST_FIRST) if name in parts), len(LONGEST_FIRST))


def _is_slow(item):
    return item.get_closest_marker("slow") is not None


def _shared_data_folder() -> Path:
    beside_the_checkout = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("CIC_SHARED_DATA", beside_the_checkout))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of private test data: real photos, a recorded archive, weights."""
    folder = _shared_data_folder()
    if not folder.is_dir():
        pytest.skip(f"private test data is not here: no folder {folder} (set CIC_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def jpeg():
    """Makes different real photos-like JPEGs, by seed."""

    def make(seed=0, width=160, height=120):
        small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        return cv2.imencode(".jpg", picture)[1].tobytes()

    return make


class ArchiveOnDisk:
    """An archive that a test writes and changes: posts with one picture each, on i.redd.it."""

    def __init__(self, folder):
        self.folder = folder
        self.posts: dict[str, list] = {"cars": []}
        self.routes: list = []
        (folder / "media").mkdir(parents=True)
        (folder / "subreddits").mkdir()

    def add(self, post_id, body=None, created=None, subreddit="cars", **route):
        url = f"http://i.redd.it/{post_id}.jpg"
        if body is not None:
            (self.folder / "media" / f"{post_id}.jpg").write_bytes(body)
            route["file"] = f"{post_id}.jpg"
        if route:
            self.routes.append({"host": "i.redd.it", "path": f"/{post_id}.jpg", **route})
        posts = self.posts.setdefault(subreddit, [])
        posts.insert(
            0,
            {
                "id": post_id,
                "name": f"t3_{post_id}",
                "subreddit": subreddit,
                "title": f"post {post_id}",
                "author": "somebody",
                "permalink": f"/r/{subreddit}/comments/{post_id}/x/",
                "created_utc": created or 1_700_000_000.0 + len(posts),
                "score": 1,
                "over_18": False,
                "is_self": False,
                "is_video": False,
                "domain": "i.redd.it",
                "url": url,
            },
        )
        self.write()
        return url

    def remove(self, post_id):
        for name, posts in self.posts.items():
            self.posts[name] = [post for post in posts if post["id"] != post_id]
        self.write()

    def change(self, post_id, **fields):
        """Change what Reddit says of a post, such as `removed_by_category="moderator"`."""
        for posts in self.posts.values():
            for post in posts:
                if post["id"] == post_id:
                    post.update(fields)
        self.write()

    def write(self):
        for name, posts in self.posts.items():
            lines = "".join(json.dumps(post) + "\n" for post in posts)
            (self.folder / "subreddits" / f"{name}.jsonl").write_text(lines)
        (self.folder / "routes.jsonl").write_text("".join(json.dumps(route) + "\n" for route in self.routes))


@pytest.fixture(scope="session")
def make_archive():
    return ArchiveOnDisk


@pytest.fixture
def archive(tmp_path):
    return ArchiveOnDisk(tmp_path / "archive")


@pytest.fixture(scope="session")
def bare_variables():
    """The environment without what would set our commands from outside."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("CIC_", "DAGSTER"))}


@pytest.fixture(scope="session")
def serving():
    """A context: a `cic` command that serves on a free port until the block ends; gives a `Served`."""
    return _serving


class Served:
    def __init__(self, process, url, said):
        self.process, self.url, self._said = process, url, said

    @property
    def said(self):
        return self._said.read_text(errors="replace")

    def wait(self, path="/", seconds=300):
        """Until it answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(self.url + path, timeout=60)
            time.sleep(0.2)
        return pytest.fail(f"the server did not come up: {self.said}")

    def ask(self, query, **variables):
        """The data that Dagster's UI server answers a GraphQL query with."""
        answer = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]


@contextlib.contextmanager
def _serving(*arguments, folder, variables):
    """It starts as in the background of a script, where Ctrl+C is ignored: what ends there ends everywhere."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", str(Path(sys.executable).parent / "cic")]
    command += [*map(str, arguments), "--port", str(port)]
    said = folder / "said"
    with (
        said.open("wb") as file,
        subprocess.Popen(command, env=variables, cwd=folder, stdout=file, stderr=file) as process,
    ):
        try:
            yield Served(process, f"http://127.0.0.1:{port}", said)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def make_card():
    """Cards of models that nobody trained: what a test asks for, and values that are allowed for the rest."""
    from cic_assets.domain.models import AcceleratorSettings, Card, Measures, ModelSettings, Scores
    from cic_assets.domain.models.card import Preprocessing

    def make(name="vgg", *, accuracy=0.8, loss=0.5, test=0.5, side=36, **changes):
        values = {
            "name": name, "labels": ["dark", "bright"], "settings": ModelSettings(architecture="vgg", input_size=32),
            "preprocessing": Preprocessing(side=side, input_size=32), "sha256": "0" * 64, "data_version": "d",
            "code_version": "c", "keras_version": "3", "backend": "tensorflow", "device": "cpu",
            "accelerator": AcceleratorSettings(), "weights": None, "random_weights": False, "best_epoch": 1,
            "stopped_early": False, "history": [], "warnings": [],
            "measures": Measures(**dict.fromkeys(Measures.model_fields, 1)),
            "scores": {
                "validation": Scores(loss=loss, accuracy=accuracy, count=20),
                "test": Scores(loss=loss, accuracy=test, count=20),
            },
        }  # fmt: skip
        return Card(**(values | changes))

    return make
