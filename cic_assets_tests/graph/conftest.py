import cv2
import numpy as np
import pytest

from cic_assets.environment import Environment
from cic_assets.storage import DataRoot

HUES = {"car": 0, "tank": 60, "boat": 120}
"""OpenCV hue (0 to 179) around which each class has its colours: easy to tell apart, never twice the same."""

PROBLEM = """
name: three
question: Car, tank or boat?
classes:
  car: [r/cars]
  tank: [r/tanks]
  boat: ["folder:boats"]
dataset: {side: 72, min_per_class: 5}
models:
  vgg: {width: 0.05, input_size: 32, epochs: 2}
  peetz_net: {width: 0.05, input_size: 32, epochs: 2}
  xception: {input_size: 71, epochs: 1, width: 0.02, views: 1}
"""


def picture(klass, seed, quality=90):
    random = np.random.default_rng([HUES[klass], seed])
    hsv = random.integers(0, 255, (7, 9, 3), np.uint8)
    hsv[..., 0] = (HUES[klass] + random.integers(-15, 15, (7, 9))) % 180
    rgb = cv2.cvtColor(cv2.resize(hsv, (160, 120), interpolation=cv2.INTER_NEAREST), cv2.COLOR_HSV2BGR)
    return cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.fixture
def world(tmp_path, archive, monkeypatch):
    """A problem of three classes: two subreddits in an archive, and a folder."""
    for number in range(40):
        archive.add(f"c{number}", picture("car", number), subreddit="cars")
        archive.add(f"t{number}", picture("tank", number), subreddit="tanks")
    archive.add("again", picture("car", 0), subreddit="cars")
    archive.add("copy", picture("car", 1, quality=70), subreddit="cars")
    archive.add("gone", status=404, subreddit="tanks")
    (tmp_path / "boats").mkdir()
    for number in range(40):
        (tmp_path / "boats" / f"{number}.jpg").write_bytes(picture("boat", number))
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = Environment(
        problem=tmp_path / "problem.yaml",
        archive=str(archive.folder),
        data_root=str(tmp_path / "root"),
        allow_random_weights=True,
    )
    return World(archive, environment)


class World:
    def __init__(self, archive, environment):
        self.archive = archive
        self.environment = environment
        self.root = DataRoot(environment.data_root)
