"""A purge that is cut off at every step that changes a file ends whole when it is done again."""

from cic_assets.domain.takedowns import purge
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import Killed, hours_pass

CUTS = short_or_long(range(0, 12, 4), range(12))
"""Before which changes of a file."""


def test_interrupted_anywhere_it_ends_whole(place, archive, jpeg, power_cut):
    for number in CUTS:
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    # Derived things, as the graph leaves them.
    raw = place.root.read_table("raw_images", "cars")
    for name in ("image_hashes", "deduped_images"):
        place.root.write_table(name, raw, "cars")
    resized = place.root.resized(72)
    for number in CUTS:
        path = resized.path(place.sha(f"p{number}"), "jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"small" + jpeg(number))
    cuts = 0
    for number in CUTS:
        sha256 = place.sha(f"p{number}")
        power_cut.left = number
        try:
            purge(place.root, [f"p{number}"])
        except Killed:
            cuts += 1
        power_cut.left = 10**6
        hours_pass(place.folder)
        purge(place.root, [f"p{number}"])
        assert sha256 not in place.pictures()
        everything = place.everything()
        for trace in (jpeg(number), sha256.encode(), f"post p{number}\0".encode(), f"/p{number}.jpg".encode()):
            assert trace not in everything, (number, trace)
    assert cuts >= len(CUTS) / 2
