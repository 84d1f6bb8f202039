import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def jpeg():
    """Makes different real photos-like JPEGs, by seed."""

    def make(seed=0, width=160, height=120):
        small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        return cv2.imencode(".jpg", picture)[1].tobytes()

    return make


class ArchiveOnDisk:
    """An archive that a test writes and changes: posts of r/cars, each with one picture on i.redd.it."""

    def __init__(self, folder):
        self.folder = folder
        self.posts, self.routes = [], []
        (folder / "media").mkdir(parents=True)
        (folder / "subreddits").mkdir()

    def add(self, post_id, body=None, created=None, **route):
        url = f"http://i.redd.it/{post_id}.jpg"
        if body is not None:
            (self.folder / "media" / f"{post_id}.jpg").write_bytes(body)
            route["file"] = f"{post_id}.jpg"
        if route:
            self.routes.append({"host": "i.redd.it", "path": f"/{post_id}.jpg", **route})
        self.posts.insert(
            0,
            {
                "id": post_id,
                "name": f"t3_{post_id}",
                "subreddit": "cars",
                "title": f"post {post_id}",
                "author": "somebody",
                "permalink": f"/r/cars/comments/{post_id}/x/",
                "created_utc": created or 1_700_000_000.0 + len(self.posts),
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
        self.posts = [post for post in self.posts if post["id"] != post_id]
        self.write()

    def write(self):
        lines = "".join(json.dumps(post) + "\n" for post in self.posts)
        (self.folder / "subreddits" / "cars.jsonl").write_text(lines)
        (self.folder / "routes.jsonl").write_text("".join(json.dumps(route) + "\n" for route in self.routes))


@pytest.fixture
def archive(tmp_path):
    return ArchiveOnDisk(tmp_path / "archive")
