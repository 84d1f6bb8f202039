"""Files of a size that one can copy, read in parallel and shuffle."""

from collections.abc import Iterator

from cic_assets.domain.dataset.exports.outgoing import Row

PICTURES = 10_000
"""In a file: about 200 MB of 256 x 256 JPEGs, between the 100 MB and 1 GB that the readers' manuals advise."""


def shards(rows: list[Row], split: str, extension: str) -> Iterator[tuple[str, list[Row]]]:
    """Rows a file, with the file's name, `train-00000-of-00003.EXTENSION`; of no rows one file without any."""
    count = max(1, -(-len(rows) // PICTURES))
    for number in range(count):
        name = f"{split}-{number:05}-of-{count:05}.{extension}"
        yield name, rows[number * PICTURES : (number + 1) * PICTURES]
