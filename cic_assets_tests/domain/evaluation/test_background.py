"""Which pictures count as other things."""

from cic_assets.domain.dataset import resize_pictures
from cic_assets.domain.evaluation.background import pictures_of_other_things
from cic_assets_tests.domain.evaluation.conftest import photo


def test_what_a_class_has_is_none_also_where_the_data_set_leaves_it_out(new_world):
    world = new_world(each=24)
    root, raw, manifest = world.root, world.raw, world.manifest
    left_out = raw[~raw["sha256"].isin(manifest["sha256"])]  # copies, and what is in two classes
    assert len(left_out) > 2
    other = raw.iloc[:1].assign(sha256=root.images.put(photo(77_000), "jpeg"))
    gone = raw[raw["sha256"].isin(manifest["sha256"])].iloc[:1]  # in the data set, and scraped no more
    for number, rows in enumerate([left_out, gone, other]):
        named = rows.assign(group_id=rows["sha256"])
        table = resize_pictures(named, root.images, root.resized(world.side), world.settings)
        root.write_table("resized_images", table, f"background-{number}")
    keys = root.table_partitions("resized_images")
    scraped = raw[~raw["sha256"].isin(gone["sha256"])]
    assert pictures_of_other_things(root, keys, scraped, manifest) == list(other["sha256"])
