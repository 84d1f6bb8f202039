import copy
import json
import re
import shutil

import pytest

from cic_assets.domain.evaluation import build_report, load_report_inputs, report_tables, take_off_report, write_report
from cic_assets.storage import DataRoot

from .conftest import World

WHEN = "2026-03-01T12:00:00+00:00"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A report on disk, with what it shows."""
    world = World(tmp_path_factory.mktemp("original"), each=24)
    world.write_model("vgg", skill=0.6)
    write_report(build_report(load_report_inputs(world.root, world.question())), world.root)
    return world


@pytest.fixture
def written(original, tmp_path):
    """A copy of it that a test may change."""
    world = copy.copy(original)
    world.root = DataRoot(str(shutil.copytree(str(original.root.path), tmp_path / "data")))
    return world


def page(world):
    return (world.root.report / "report.html").read_text()


def shown(world):
    """A picture that the page shows with its post."""
    raw = world.root.read_tables("raw_images", world.root.table_partitions("raw_images"))
    html = page(world)
    rows = raw[raw["sha256"].map(lambda sha256: sha256 != "" and f'data-picture="{sha256}"' in html)]
    return next(row for row in rows.to_dict("records") if row["permalink"] in html)


def figures(html, sha256):
    return re.findall(rf'<figure[^>]*data-picture="{sha256}".*?</figure>', html, re.DOTALL)


def test_a_picture_leaves_an_empty_place_without_title_and_link(written):
    row, before = shown(written), page(written)
    take_off_report(written.root, {row["sha256"]}, WHEN, counted=True)
    after = page(written)
    assert row["sha256"] not in after
    removed = figures(before, row["sha256"])
    assert any(row["permalink"] in figure and "data:image/jpeg" in figure for figure in removed)
    assert after.count('class="gone"') == len(removed)
    assert after.count(row["permalink"]) == before.count(row["permalink"]) - "".join(removed).count(row["permalink"])
    assert after.count("<figure") == before.count("<figure")
    others = before.count("data-picture=") - before.count(f'data-picture="{row["sha256"]}"')
    assert after.count("data-picture=") == others


def test_page_and_numbers_say_so_once(written):
    row = shown(written)
    for _ in range(2):
        take_off_report(written.root, {row["sha256"]}, WHEN, counted=True)
    head = page(written).partition('id="answer"')[0]
    assert head.count("Pictures were taken down since.") == 1
    assert "2026-03-01" in head
    notices = json.loads((written.root.report / "report.json").read_text())["notices"]
    assert [notice["kind"] for notice in notices].count("taken_down") == 1
    assert "Pictures were taken down since." in report_tables(written.root)


def test_a_picture_that_counts_and_is_not_shown_is_said_too(written):
    take_off_report(written.root, {"0" * 64}, WHEN, counted=True)
    assert "Pictures were taken down since." in page(written)


def test_what_has_nothing_to_do_with_it_changes_nothing(written):
    before = page(written)
    take_off_report(written.root, {"0" * 64}, WHEN, counted=False)
    take_off_report(written.root, set(), WHEN, counted=False)
    assert page(written) == before


def test_a_page_that_does_not_tell_which_pictures_it_shows_goes_whole(written):
    path = written.root.report / "report.html"
    path.write_text(page(written).replace("data-picture", "data-other"))
    take_off_report(written.root, {"0" * 64}, WHEN, counted=False)
    assert not path.exists()
    assert (written.root.report / "report.json").exists()


def test_without_a_report_there_is_nothing_to_do(new_world):
    take_off_report(new_world(each=24).root, {"0" * 64}, WHEN, counted=True)
