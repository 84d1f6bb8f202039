"""Which pictures a data set is made of, and not the pictures: what may be passed on where they may not.

With these ids and a client of their own somebody else can scrape the same posts again, and with
`dataset: {splits: {given: manifest.csv}}` divides them the same way.
"""

from pathlib import Path

from cic_assets.domain.dataset.exports.card import write_card
from cic_assets.domain.dataset.exports.outgoing import Outgoing

IDS = ["sha256", "resized_sha256", "klass", "label", "split", "subreddit", "post_id"]
"""No title, no author, no address: a post that was deleted is then gone here, too."""

_HOW_TO_READ = """## Files

`manifest.csv`: of each picture the SHA-256 of the file as it came and of its resized copy, its class, its split, and
the id of its post. There are no pictures here.
"""


def write_manifest(outgoing: Outgoing, folder: Path) -> None:
    """`manifest.csv` and `README.md`."""
    outgoing.pictures[IDS].to_csv(folder / "manifest.csv", index=False)
    write_card(folder, outgoing, _HOW_TO_READ)
