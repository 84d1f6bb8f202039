import pandas as pd

from cic_assets.domain.takedowns import purge


def test_a_group_is_called_by_one_that_stays(place, archive, jpeg):
    for number in (1, 2, 3):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    gone, heir, other = (place.sha(f"p{number}") for number in (1, 2, 3))
    groups = pd.DataFrame({"sha256": [gone, heir, other], "subreddit": "cars", "group_id": [gone, gone, other]})
    groups["verified_against"] = groups["group_id"]
    place.root.write_table("duplicates", groups)
    place.root.write_table("resized_images", groups[1:], "cars")
    purge(place.root, ["p1"])
    expected = {heir: heir, other: other}
    for table in (place.root.read_table("duplicates"), place.root.read_table("resized_images", "cars")):
        assert table.set_index("sha256")["group_id"].to_dict() == expected
    assert gone.encode() not in place.everything()
