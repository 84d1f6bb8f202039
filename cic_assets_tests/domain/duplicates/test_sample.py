"""Against the embedded sample, whose copies are known."""

import numpy as np
import pytest

from cic_assets.domain.duplicates import DuplicateSettings, find_duplicates
from cic_assets.domain.overrides import Overrides
from cic_assets.web.replay import SAMPLE_ARCHIVE

from .conftest import copies_found, gallery_of


@pytest.mark.slow
def test_finds_what_the_truth_of_the_sample_asks_for_and_nothing_else():
    gallery, truth, sha256s = gallery_of(SAMPLE_ARCHIVE)
    groups = find_duplicates(gallery.table, gallery.blobs.__getitem__, DuplicateSettings(), Overrides()).groups
    hits = copies_found(groups, truth, sha256s)
    assert {need: len(found) for need, found in hits.items()} == {"must": 18, "should": 12, "conflict": 2}
    assert all(hits["must"])
    assert all(hits["conflict"])
    assert np.mean(hits["should"]) >= 0.9
    picture = {sha256s[row["url"]]: row["copy_of"] or row["url"] for row in truth}
    assert groups["sha256"].map(picture).groupby(groups["group_id"]).nunique().max() == 1
