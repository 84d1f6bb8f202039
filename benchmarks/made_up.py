"""Made-up tables with the statistics of recorded subreddits: a million rows of them cost seconds, and no picture."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from cic_assets.domain.dataset import COPY_COLUMNS, DatasetSettings
from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.duplicates import CARRIED, FINGERPRINT_COLUMNS
from cic_assets.domain.duplicates.fingerprints import VERSION
from cic_assets.domain.media import Medium
from cic_assets.domain.sources import COLUMNS
from cic_assets.domain.sources.limits import limits_version
from cic_assets.domain.sources.table import TABLE
from cic_assets.storage import DataRoot

OUTCOMES = {
    "ok": 0.915, "skipped": 0.02, "http_error": 0.01, "blocked": 0.01, "not_an_image": 0.007, "truncated": 0.007,
    "timeout": 0.006, "too_large": 0.007, "placeholder": 0.007, "empty": 0.004, "too_small": 0.004, "error": 0.003,
}  # fmt: skip
"""Shares of the recorded archive's media."""
REPEATED, ELSEWHERE, OF_A_GALLERY, CROSSPOSTED = 0.02, 0.03, 0.05, 0.01
"""Shares: of pictures that another post of the source has, and another source; of media, and of posts."""
NOW = 1.79e9
BYTES_OF = {"phash256": 32, "phash256_mirrored": 32, "thumbnail": 1024, "content_thumbnail": 1024, "colours": 128}


LISTED = (
    "post_id", "subreddit", "media_url", "position", "permalink", "title", "author", "created_utc", "flair", "score",
    "crosspost_of",
)  # fmt: skip
"""Columns of `raw_images` that a listing shows."""


def names(random: np.random.Generator, count: int, length: int = 64) -> "pd.Series[str]":
    """Hexadecimal words as of SHA-256, no two the same."""
    text = random.bytes(count * length // 2).hex()
    return pd.Series([text[at : at + length] for at in range(0, len(text), length)], dtype="str")


def raw_images(key: str, rows: int, seed: int, elsewhere: "pd.Series[str]", limits: str) -> pd.DataFrame:
    """A source's table.

    Args:
        key: of the source.
        rows: media.
        seed: of what is drawn.
        elsewhere: pictures of other sources, of which some are here too.
        limits: version of those that they were judged by.
    """
    random = np.random.default_rng(seed)
    posts = np.sort(random.integers(0, max(1, round(rows * (1 - OF_A_GALLERY))), rows))
    ids = names(random, posts.max() + 1, 8).str[:7].to_numpy()
    post, url = pd.Series(ids[posts], dtype="str"), names(random, rows, 14)
    outcome = pd.Series(
        random.choice(list(OUTCOMES), rows, p=np.array(list(OUTCOMES.values())) / sum(OUTCOMES.values()))
    )
    sha256 = names(random, rows)
    again = random.random(rows) < REPEATED
    sha256[again] = sha256.to_numpy()[random.integers(0, rows, int(again.sum()))]
    shared = random.random(rows) < (ELSEWHERE if len(elsewhere) else 0)
    sha256[shared] = random.choice(elsewhere.to_numpy(), int(shared.sum())) if shared.any() else []
    is_ok = outcome == "ok"
    sized = is_ok | outcome.isin(["too_small", "too_large"])
    width, height, size = (random.integers(low, high, rows) for low, high in ((300, 4000), (300, 3000), (2e4, 9e5)))
    has_crosspost = random.random(posts.max() + 1) < CROSSPOSTED
    columns = {
        "post_id": post, "subreddit": key, "media_url": "https://i.redd.it/" + url + ".jpg",
        "position": pd.Series(posts).groupby(posts).cumcount(), "outcome": outcome,
        "reason": np.where(is_ok, "", "HTTP 404"), "sha256": sha256.where(is_ok, ""),
        "format": np.where(is_ok, "jpeg", ""), "width": np.where(sized, width, 0), "height": np.where(sized, height, 0),
        "bytes": np.where(sized, size, 0),
        "permalink": f"https://www.reddit.com/r/{key}/comments/" + post + "/picture/",
        "title": "A title of some length of the post " + post, "author": "user_" + post.str[:4],
        "created_utc": (NOW - 600.0 * posts), "score": random.integers(1, 5000, rows), "over_18": False,
        "flair": random.choice(["", "OC", "Photo"], rows),
        "crosspost_of": np.where(has_crosspost[posts], "x" + post.str[1:], ""),
        "final_url": np.where(is_ok, "https://i.redd.it/" + url + ".jpg", ""),
        "etag": np.where(is_ok, '"' + sha256.str[:32] + '"', ""),
        "last_modified": np.where(is_ok, "Sun, 29 Nov 2026 08:58:16 GMT", ""), "transient": outcome == "timeout",
        "asks": (outcome == "timeout").astype(int),
        "asked_at": np.where(outcome == "timeout", "2026-11-29T09:00:32+00:00", ""),
        "limits": limits, "fetched_at": "2026-11-29T09:00:32+00:00", "origin": "reddit", "source": f"r/{key}",
    }  # fmt: skip
    empty = {"str": "", "bool": False, "int64": 0}
    table = pd.DataFrame({name: columns.get(name, empty.get(one.kind)) for name, one in COLUMNS.items()})
    types = {name: one.kind for name, one in COLUMNS.items()}
    return (
        table.drop_duplicates(["post_id", "position", "media_url"])
        .astype(types)
        .sort_values(["created_utc", "post_id", "position"], ascending=[False, True, True], ignore_index=True)
    )


def image_hashes(raw: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Fingerprints of a source's pictures: those of one SHA-256 are the same in every source."""
    pictures = raw[raw["outcome"] == "ok"].drop_duplicates("sha256").sort_values("sha256", ignore_index=True)[CARRIED]
    random, count = np.random.default_rng(seed), len(pictures)
    drawn = {}
    for name, column in FINGERPRINT_COLUMNS.items():
        if column.kind == "bytes":
            drawn[name] = list(np.frombuffer(random.bytes(count * BYTES_OF[name]), f"V{BYTES_OF[name]}"))
            drawn[name] = [one.tobytes() for one in drawn[name]]
        elif column.kind == "uint64":
            drawn[name] = random.integers(0, 2**64, count, np.uint64)
        elif column.kind == "float64":
            drawn[name] = random.random(count)
    sharp = {
        "pixels_sha256": pictures["sha256"],
        "fingerprint_version": VERSION,
        "flatness": 0.1 * random.random(count),
    }
    edges = {"content_left": 0.0, "content_top": 0.0, "content_right": 1.0, "content_bottom": 1.0}
    return pictures.assign(**{name: {**drawn, **sharp, **edges}[name] for name in FINGERPRINT_COLUMNS})


def resized_images(hashes: pd.DataFrame, seed: int, settings: DatasetSettings) -> pd.DataFrame:
    """What an earlier run knows of the copies of a source's pictures."""
    random, count = np.random.default_rng(seed), len(hashes)
    colours = {name: random.random(count) for name in ("red", "green", "blue")}
    made = {"resized_sha256": names(random, count), "bytes_after": random.integers(5000, 30_000, count), **colours}
    made |= {"upscaled": False, "jpeg_quality": settings.jpeg_quality, "side": settings.side}
    return hashes[["sha256"]].assign(**{name: made[name] for name in COPY_COLUMNS})


def write_root(root: DataRoot, keys: list[str], rows: int, settings: DatasetSettings, limits: DownloadSettings) -> None:
    """A data root with so many media: tables as an earlier run left them, and empty files in place of pictures."""
    elsewhere = pd.Series(dtype="str")
    for seed, key in enumerate(keys):
        raw = raw_images(key, rows // len(keys), 10 * seed, elsewhere, limits_version(limits))
        pictures = raw.loc[raw["outcome"] == "ok", "sha256"]
        elsewhere = pd.concat([elsewhere, pictures.sample(min(len(pictures), 10_000), random_state=0)])
        hashes = image_hashes(raw, 10 * seed + 1)
        root.write_table(TABLE, raw, key)
        root.write_table("image_hashes", hashes, key)
        root.write_table("resized_images", resized_images(hashes, 10 * seed + 2, settings), key)
        for store in (root.images, root.resized(settings.side)):
            touch_all(Path(str(store.root)), hashes["sha256"])


def touch_all(folder: Path, sha256s: "pd.Series[str]") -> None:
    """Empty files in the places of pictures."""
    for start in sorted(set(sha256s.str[:2])):
        (folder / start).mkdir(parents=True, exist_ok=True)
    for sha256 in sha256s:
        (folder / sha256[:2] / f"{sha256}.jpg").touch()


def listed(raw: pd.DataFrame, new: int, seed: int, most: int = 1000) -> Iterator[Medium]:
    """What a subreddit's listings show: its newest media, as they were and some more."""
    fields = [name for name in LISTED if name not in ("score", "crosspost_of")]
    for row in raw.head(most - new).to_dict("records"):
        yield Medium(
            **{name: row[name] for name in fields}, score=row["score"] + 1, crosspost_of=row["crosspost_of"] or None
        )
    random = np.random.default_rng(seed)
    for post_id, url in zip(names(random, new, 8), names(random, new, 14), strict=True):
        yield Medium(
            post_id="n" + post_id[:6],
            subreddit=raw["subreddit"].iloc[0],
            media_url=f"https://i.redd.it/{url}.jpg",
            permalink=f"https://www.reddit.com/r/x/comments/n{post_id[:6]}/picture/",
            title="A title of some length of a post that is new",
            author="user",
            created_utc=NOW + 60,
        )
