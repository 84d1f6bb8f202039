"""A report where another version of a model answers than the one that it judges."""

import shutil

import pytest

from cic_assets.domain.evaluation import build_report, has_other_versions, load_report_inputs, write_report
from cic_assets.domain.models import change_champion, note, read_card, versions_of
from cic_assets_tests.fixtures.versions import decision

from .conftest import numbers_of


@pytest.fixture
def place(new_world, edit_json):
    """The champion was trained on another data set; a version beside it on this one."""
    world = new_world()
    world.write_model("vgg", trained_at="2026-02-02T10:00:00+00:00")
    folder = world.root.model("vgg")
    new = read_card(folder).version
    shutil.copytree(folder, folder / "versions" / new)
    edit_json(folder / "card.json", data_version="before", trained_at="2026-01-01T10:00:00+00:00")
    note(folder, decision(new, read_card(folder).version, promoted=False, at="2026-02-02", reason="it is worse"))
    return world, folder, new


def test_it_judges_the_newest_that_knows_the_data_set_and_names_the_one_that_answers(place):
    world, folder, new = place
    inputs = load_report_inputs(world.root, world.question())
    assert inputs.models["vgg"].card.version == new
    assert inputs.folders["vgg"] == folder / "versions" / new
    report = build_report(inputs)
    part = report.data.models["vgg"]
    assert (part.version, part.answering.version) == (new, read_card(folder).version)
    (notice,) = [one for one in report.data.notices if one.kind == "champion"]
    assert notice.title == f"Version {part.answering.version} of VGG answers, which is not the one judged here."
    assert notice.text.endswith("It answers because of this (the training, 2026-02-02): it is worse.")
    assert f"version {new}" in report.html
    assert 'data-notice="champion"' in report.html


def test_it_is_to_be_made_again_once_a_person_has_chosen_another(place):
    world, folder, new = place
    assert not has_other_versions(world.root)
    write_report(build_report(load_report_inputs(world.root, world.question())), world.root)
    assert not has_other_versions(world.root)
    change_champion(folder, decision(new, kind="promote", by="somebody"))
    assert has_other_versions(world.root)
    report = build_report(load_report_inputs(world.root, world.question()))
    assert report.data.models["vgg"].answering is None
    assert not [one for one in report.data.notices if one.kind == "champion"]
    write_report(report, world.root)
    assert not has_other_versions(world.root)


def test_the_old_champion_that_a_person_chose_is_named_with_the_reason(place):
    world, folder, new = place
    old = read_card(folder).version
    change_champion(folder, decision(new))
    change_champion(folder, decision(old, new, kind="rollback", by="somebody", at="2026-03-03", reason="complaints"))
    assert [one.is_champion for one in versions_of(folder)] == [False, True]
    answering = numbers_of(world).models["vgg"].answering
    assert (answering.version, answering.by, answering.since, answering.reason) == (
        old, "a person", "2026-03-03", "complaints"
    )  # fmt: skip
