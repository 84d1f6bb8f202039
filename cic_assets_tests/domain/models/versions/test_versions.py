"""Versions of a model: where they lie, how the champion changes, what is kept, and old data roots."""

import os
import shutil

import pytest
from upath import UPath

from cic_assets.domain.models import (
    CardMismatchError,
    admit,
    champion_folder,
    change_champion,
    check_whole,
    judged_version,
    mark_taken_down,
    newest_version,
    note,
    prune,
    read_card,
    read_champion,
    read_record,
    read_version,
    seen_pictures,
    settle,
    version_folders,
    versions_of,
)
from cic_assets_tests.fixtures.versions import (
    ALL_FILES,
    FILES,
    OF_FILES,
    decision,
    lay_out_training,
    lay_out_version,
    whole,
)


@pytest.fixture
def folder(tmp_path):
    return UPath(tmp_path / "models" / "vgg")


def train(folder, number, **changes):
    lay_out_training(folder, number, **changes)
    return admit(folder).id


def crown(folder, version, **changes):
    change_champion(folder, decision(version, champion(folder), **changes))


def champion(folder):
    return next((one.id for one in versions_of(folder) if one.is_champion), None)


def test_the_first_version_lies_where_models_always_did(folder):
    version = train(folder, 0)
    assert champion(folder) is None
    crown(folder, version)
    assert whole(folder).version == version == "2026-01-01-5feceb66"
    assert sorted(path.name for path in folder.iterdir() if path.name != "versions") == [
        "card.json", "champion.json", "int8", "model.keras", "model.onnx", "model.onnx.data", "pictures.parquet",
        "predictions.parquet",
    ]  # fmt: skip
    assert list((folder / "versions").iterdir()) == []


def test_champions_change_places(folder):
    first, second = train(folder, 0), None
    crown(folder, first)
    second = train(folder, 1)
    assert [(one.id, one.is_champion) for one in versions_of(folder)] == [(second, False), (first, True)]
    crown(folder, second)
    assert (whole(folder).version, whole(folder / "versions" / first).version) == (second, first)
    crown(folder, first)
    assert (whole(folder).version, whole(folder / "versions" / second).version) == (first, second)
    assert not (folder / "versions" / first).exists()
    assert not list(folder.rglob("*.part"))


def test_of_the_champion_before_nothing_stays_behind(folder):
    crown(folder, train(folder, 0))
    (folder / "float16").mkdir()
    (folder / "float16" / "card.json").write_text("{}")
    first, second = champion(folder), train(folder, 1)
    crown(folder, second)
    assert not (folder / "float16").exists()
    assert (folder / "versions" / first / "float16" / "card.json").exists()


def test_an_old_data_root_is_read_as_it_is(folder):
    card = lay_out_version(folder, 0, trained_at=None)
    assert [(one.id, one.folder, one.is_champion) for one in versions_of(folder)] == [("5feceb66", folder, True)]
    assert read_champion(folder, read_card) == card
    settle(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        {name.partition("/")[0] for name in FILES} | {"card.json", "pictures.parquet", "predictions.parquet"}
    )
    second = train(folder, 1)
    crown(folder, second)
    assert whole(folder / "versions" / "5feceb66") == card
    assert read_record(folder).before(second) == "5feceb66"


def test_without_links_files_are_copied(folder, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    crown(folder, train(folder, 0))
    crown(folder, train(folder, 1))
    assert whole(folder).version == newest_version(folder).id


def test_what_a_person_removed_takes_no_place(folder):
    crown(folder, train(folder, 0))
    for file in ("card.json", "model.keras"):
        (folder / file).unlink()
    assert champion(folder) is None
    second = train(folder, 1)
    crown(folder, second)
    assert [one.id for one in versions_of(folder)] == [second]
    shutil.rmtree(folder)
    assert versions_of(folder) == []


def test_judged_is_the_champion_where_it_knows_the_data_set(folder):
    first = train(folder, 0, data_version="old")
    crown(folder, first)
    second, third = train(folder, 1, data_version="new"), train(folder, 2, data_version="new")
    assert judged_version(folder, "old").id == first
    assert judged_version(folder, "new").id == third
    assert judged_version(folder, "other") is None
    crown(folder, second)
    assert judged_version(folder, "new").id == second


def test_the_oldest_go_but_never_the_champion_nor_the_newest(folder):
    names = [train(folder, number) for number in range(6)]
    crown(folder, names[0])
    crown(folder, names[2])
    assert [one.id for one in prune(folder, 4)] == [names[1], names[3]], "the champion before goes last"
    assert [one.id for one in versions_of(folder)] == [names[5], names[4], names[2], names[0]]
    assert [one.id for one in prune(folder, 1)] == [names[4], names[0]]
    assert [one.id for one in versions_of(folder)] == [names[5], names[2]]
    assert prune(folder, 1) == []


def test_going_back_goes_further_back_each_time(folder):
    names = [train(folder, number) for number in range(3)]
    for name in names:
        crown(folder, name)
    assert read_record(folder).before(names[2]) == names[1]
    crown(folder, names[1], kind="rollback")
    assert read_record(folder).before(names[1]) == names[0]
    crown(folder, names[0], kind="rollback")
    assert read_record(folder).before(names[0]) is None


def test_decisions_are_kept_up_to_a_bound(folder):
    crown(folder, train(folder, 0))
    for number in range(120):
        note(folder, decision("x", promoted=False, reason=str(number)))
    record = read_record(folder)
    assert (len(record.decisions), record.decisions[-1].reason, record.champion) == (100, "119", champion(folder))
    assert record.crowning(champion(folder)) == record.decisions[0]


def test_each_version_forgets_what_was_taken_down(folder):
    crown(folder, train(folder, 0, pictures=("a", "b", "c")))
    train(folder, 1)
    lay_out_training(folder, 2)
    for place in version_folders(folder):
        mark_taken_down(place, {"a0", "a1", "a2"}, "2026-02-01")
    found = {place.name: len(seen_pictures(place)) for place in version_folders(folder)}
    assert found == {"vgg": 2, newest_version(folder).id: 2, "trained": 2}
    assert [one.card.takedowns.count for one in versions_of(folder)] == [1, 1]


def test_a_version_is_read_by_its_name_wherever_it_lies(folder):
    first, second = train(folder, 0), train(folder, 1)
    crown(folder, first)
    for _ in range(2):
        assert read_version(folder, first, lambda place: whole(place).version) == first
        assert read_version(folder, second, lambda place: whole(place).version) == second
        crown(folder, second)
    with pytest.raises(FileNotFoundError, match="vgg has no version 2025"):
        read_version(folder, "2025", read_card)


def test_a_reader_in_the_middle_of_a_switch_reads_again(folder):
    first, second = train(folder, 0), train(folder, 1)
    crown(folder, first)
    reads = []

    def read(place):
        card = read_card(place)
        reads.append(card.version)
        if len(reads) == 1:
            crown(folder, second)
        return card.version, (place / "model.keras").read_text()

    assert read_champion(folder, read) == (second, whole(folder).sha256)
    assert reads == [first, second]


def test_an_error_that_no_switch_explains_is_one(folder):
    crown(folder, train(folder, 0))
    (folder / "model.keras").unlink()
    with pytest.raises(FileNotFoundError):
        read_champion(folder, lambda place: (place / "model.keras").read_text())


@pytest.mark.parametrize("gone", ALL_FILES)
def test_without_a_file_that_its_card_speaks_of_a_model_is_not_whole(folder, gone):
    lay_out_version(folder, 0, **OF_FILES)
    for file in ALL_FILES:
        (folder / file).touch()
    (folder / gone).unlink()
    with pytest.raises(FileNotFoundError, match=f"{gone} is missing: train the model again"):
        check_whole(folder)


def test_damaged_decisions_say_what_to_do(folder):
    crown(folder, train(folder, 0))
    (folder / "champion.json").write_text("{}}")
    with pytest.raises(CardMismatchError, match=r"champion\.json is damaged.*remove it"):
        champion_folder(folder)
    (folder / "champion.json").unlink()
    assert champion_folder(folder) == folder


def test_a_version_that_this_program_cannot_read_goes(folder):
    crown(folder, train(folder, 0))
    second = train(folder, 1)
    (folder / "versions" / second / "card.json").write_text('{"of": "another time"}')
    assert [one.id for one in versions_of(folder)] == [champion(folder)]
    settle(folder)
    assert not (folder / "versions" / second).exists()


def test_the_same_in_an_object_store(tmp_path):
    place, remote = UPath(tmp_path / "vgg"), UPath("memory://roots/models/vgg")
    for number in range(2):
        card = lay_out_training(place, number)
        local = place / "versions" / "trained"
        for file in [path for path in local.rglob("*") if path.is_file()]:
            (remote / "versions" / "trained" / file.relative_to(local).as_posix()).write_bytes(file.read_bytes())
        assert admit(remote).id == card.version
        crown(remote, card.version)
        assert whole(remote) == card
    first = versions_of(remote)[1]
    assert whole(first.folder).version == first.id
    crown(remote, first.id)
    assert whole(remote) == first.card
    assert [one.id for one in prune(remote, 1)] == []
