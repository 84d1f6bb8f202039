"""When a new version takes the champion's place, and when it does not."""

import errno
import json

import pandas as pd
import pytest

from cic_assets.domain.champions import (
    ChampionError,
    NotComparableError,
    compare,
    find_version,
    list_versions,
    promote_by_hand,
    roll_back,
)
from cic_assets.domain.models import Takedowns, judged_version, read_card, read_record, version_folders, versions_of
from cic_assets.storage import write_json
from cic_assets_tests.fixtures.versions import ALL_FILES, OF_FILES

CHECK = "cic_assets.domain.champions.promotion.check_whole"


@pytest.fixture
def unchecked(monkeypatch):
    """The files of these versions are not those of their cards, which only trainings can make."""
    monkeypatch.setattr(CHECK, lambda _folder: None)


def champion(place):
    return find_version(place.root, "vgg").id


def learned_all(place):
    """No picture is left by which the champion could be judged."""
    pictures = pd.read_parquet(place.folder / "pictures.parquet")
    pictures.assign(split="train").to_parquet(place.folder / "pictures.parquet")


def test_the_first_version_answers(place):
    place.build(600)
    version, decision = place.train()
    assert (champion(place), decision.promoted, decision.over) == (version, True, None)
    assert decision.reason == "it is the only one"
    assert place.said == [f"vgg: version {version} answers from now on, as it is the only one"]


class TestOnTheSamePictures:
    """Of 600 pictures 180 are for the test."""

    @pytest.fixture
    def place(self, place):
        place.build(600)
        self.first = place.train(wrong=range(10, 20))[0]
        return place

    def decided(self, place, why, *, promoted, **given):
        version, decision = place.train(**given)
        assert why in decision.reason
        assert decision.promoted == promoted
        assert champion(place) == (version if promoted else self.first)
        return decision

    def test_a_better_one_answers_whatever_it_costs(self, place):
        found = self.decided(place, "it is better than the champion", promoted=True, wrong=range(2), flops=900)
        assert (found.comparison.first_right, found.comparison.second_right, found.comparison.pictures) == (
            170, 178, 180
        )  # fmt: skip
        assert found.comparison.p_value < 0.05
        assert found.comparison.cost == 9

    def test_a_worse_one_does_not(self, place):
        found = self.decided(place, "it is worse than the champion", promoted=False, wrong=range(30))
        assert found.comparison.difference == pytest.approx(-20 / 180)
        low, high = found.comparison.difference_ci
        assert low < -20 / 180 < high < 0

    def test_one_that_is_not_worse_and_costs_no_more_answers(self, place):
        found = self.decided(place, "not worse than the champion by 5 points", promoted=True, wrong=range(11, 20))
        assert found.comparison.difference_ci[0] > -0.05
        assert found.comparison.p_value > 0.05

    def test_one_that_is_not_worse_and_costs_more_does_not(self, place):
        self.decided(place, "and costs 1.20 times as much", promoted=False, wrong=range(11, 20), flops=120)

    def test_one_that_may_be_worse_by_more_than_the_margin_does_not(self, place):
        found = self.decided(place, "may be more than 5 points worse", promoted=False, wrong=range(16))
        assert found.comparison.p_value >= 0.05
        assert found.comparison.difference_ci[0] < -0.05

    def test_how_much_is_a_setting(self, place):
        self.decided(place, "not worse than the champion by 20 points", promoted=True, wrong=range(16), margin=0.2)

    def test_the_report_judges_the_champion_where_it_knows_the_data_set(self, place):
        self.decided(place, "worse", promoted=False, wrong=range(30))
        assert judged_version(place.folder, "1").id == self.first

    def test_each_line_says_what_was_decided_by_which_numbers(self, place):
        version, _ = place.train(wrong=range(30))
        assert place.said[-1] == (
            f"vgg: version {version} does not answer, as it is worse than the champion: of 180 test pictures that "
            f"neither has learned from, the champion names 170 rightly and the new version 150, a difference of -11.1 "
            f"points (95 % interval -16.5 to -7.3, p 1.9e-06), at 1.00 times the operations a picture"
        )


class TestWhatCountsBeforeAnyNumber:
    @pytest.fixture
    def place(self, place):
        place.build(600)
        return place

    def test_other_classes(self, place):
        place.train()
        place.build(600, version="2", classes=("car", "boat"))
        version, decision = place.train(wrong=range(100))
        assert (champion(place), decision.reason) == (version, "the champion knows other classes")

    def test_pictures_that_were_taken_down_since(self, place):
        place.train()
        card = read_card(place.folder).model_copy(update={"takedowns": Takedowns(count=1, since="2026-01-01")})
        write_json(place.folder / "card.json", card.model_dump(mode="json"))
        version, decision = place.train(wrong=range(100))
        assert champion(place) == version
        assert "gives way in any case" in decision.reason

    def test_random_weights(self, place):
        first, _ = place.train(wrong=range(50), random_weights=True)
        second, decision = place.train(wrong=range(60))
        assert (champion(place), decision.over) == (second, first)
        _, decision = place.train(random_weights=True)
        assert (champion(place), decision.promoted) == (second, False)
        assert "without pretrained weights" in decision.reason

    @pytest.mark.parametrize("gone", ALL_FILES)
    def test_files_of_the_champion_that_are_gone(self, place, gone):
        place.train(**OF_FILES)
        for file in ALL_FILES:
            (place.folder / file).touch()
        (place.folder / gone).unlink()
        version, decision = place.train(wrong=range(100))
        assert (champion(place), decision.reason) == (version, "files of the champion are gone")

    @pytest.mark.parametrize("damaged", ["card.json", "champion.json"])
    def test_what_this_program_cannot_read(self, place, damaged):
        place.train()
        (place.folder / damaged).write_text('{"of": "another time"}')
        version, _ = place.train()
        assert champion(place) == version


class TestOnOtherPictures:
    def test_only_pictures_count_that_neither_has_learned_from(self, place):
        place.build(600)
        place.train()
        place.build(1000, version="2")
        learned = place.manifest["split"] == "test"
        seen = pd.read_parquet(place.folder / "pictures.parquet")
        moved = set(place.manifest.loc[learned, "sha256"][:20])
        seen.assign(split=seen["split"].mask(seen["sha256"].isin(moved), "train")).to_parquet(
            place.folder / "pictures.parquet"
        )
        _, decision = place.train()
        assert decision.comparison.pictures == 180 - 20  # of the new ones the champion was never asked: it is no file
        assert decision.comparison.skipped == 300 - 180

    def test_nor_from_another_of_their_unit(self, place):
        place.build(600, per_unit=3)
        place.train()
        place.manifest.loc[place.manifest["unit_id"] == "u7", "unit_id"] = "u0"  # as it turned out since
        place.manifest.to_parquet(place.root.dataset / "manifest.parquet")
        _, decision = place.train()
        assert decision.comparison.pictures == 180 - 3
        assert decision.comparison.units == 59

    def test_where_nothing_can_be_compared_the_new_one_answers_and_says_why(self, place):
        place.build(600)
        place.train()
        learned_all(place)
        version, decision = place.train(wrong=range(100))
        assert champion(place) == version
        assert "nothing can be compared, as there is no test picture that neither has learned" in decision.reason

    def test_what_a_version_has_learned_from_may_be_unknown(self, place):
        place.build(600)
        place.train()
        (place.folder / "pictures.parquet").unlink()
        place.build(600, version="2")
        version = find_version(place.root, "vgg")
        with pytest.raises(NotComparableError, match="it is not known which pictures"):
            compare(place.root, version, version)

    def test_where_too_few_tell_the_new_one_answers_unless_it_is_worse(self, place):
        place.build(100)  # 30 test pictures
        place.train()
        second, decision = place.train(wrong=range(3))
        assert champion(place) == second
        assert "too few pictures to tell 5 points from none" in decision.reason
        _, decision = place.train(wrong=range(10))
        assert champion(place) == second
        assert "it is worse" in decision.reason


@pytest.mark.usefixtures("unchecked")
class TestByHand:
    @pytest.fixture
    def place(self, place):
        place.build(600)
        self.versions = [place.train(wrong=wrong)[0] for wrong in (range(20), range(10), range(40))]
        assert champion(place) == self.versions[1]
        return place

    def test_who_when_and_why_is_kept(self, place):
        decision = promote_by_hand(place.root, "vgg", self.versions[2], "a try")
        assert champion(place) == self.versions[2]
        assert read_record(place.folder).decisions[-1] == decision
        assert (decision.kind, decision.reason, decision.over) == ("promote", "a try", self.versions[1])
        assert decision.by
        assert decision.at

    def test_only_a_better_one_takes_its_place_and_says_so(self, place):
        promote_by_hand(place.root, "vgg", self.versions[1], "it is the one")
        _, decision = place.train(wrong=range(1, 10))
        assert champion(place) == self.versions[1]
        assert "the champion was chosen by hand on " in decision.reason
        assert "(promote: it is the one), and only a better one takes its place" in decision.reason
        better, decision = place.train()
        assert champion(place) == better
        assert "it is better" in decision.reason

    def test_nor_does_one_that_cannot_be_compared(self, place):
        promote_by_hand(place.root, "vgg", self.versions[1], "")
        learned_all(place)
        place.build(600, version="2")
        _, decision = place.train()
        assert champion(place) == self.versions[1]
        assert "nothing can be compared" in decision.reason
        assert judged_version(place.folder, "2").id != champion(place)

    def test_a_rollback_goes_to_the_champion_before_and_further_back(self, place):
        assert roll_back(place.root, "vgg", "mended").version == self.versions[0]
        with pytest.raises(ChampionError, match="vgg has no champion before this one"):
            roll_back(place.root, "vgg", "")
        promote_by_hand(place.root, "vgg", self.versions[2], "")
        assert roll_back(place.root, "vgg", "").version == self.versions[0]

    def test_a_rollback_passes_over_what_is_removed(self, place):
        promote_by_hand(place.root, "vgg", self.versions[2], "")
        folder = next(one.folder for one in versions_of(place.folder) if one.id == self.versions[1])
        (folder / "card.json").unlink()
        assert roll_back(place.root, "vgg", "").version == self.versions[0]

    def test_a_version_may_be_named_by_its_beginning_or_that_of_its_hash(self, place):
        card = find_version(place.root, "vgg", self.versions[0]).card
        assert find_version(place.root, "vgg", card.sha256[:6]).id == self.versions[0]
        with pytest.raises(ChampionError, match=f"vgg has no version 1999: expected one of {self.versions[2]}, "):
            find_version(place.root, "vgg", "1999")
        with pytest.raises(ChampionError, match="vgg has 3 versions that begin with 2026"):
            find_version(place.root, "vgg", "2026")
        with pytest.raises(ChampionError, match="no model 'vgga'"):
            find_version(place.root, "vgga")

    def test_what_knows_other_classes_cannot_answer(self, place):
        write_json(place.root.dataset / "dataset.json", {"version": "2", "classes": ["car", "boat"]})
        with pytest.raises(ChampionError, match="knows other classes"):
            promote_by_hand(place.root, "vgg", self.versions[0], "")


def test_what_is_not_whole_cannot_be_chosen(place):
    place.build(600)
    first, _ = place.train()
    second, _ = place.train(wrong=range(20))
    with pytest.raises(ChampionError, match=r"model\.keras is not the model that card\.json describes"):
        promote_by_hand(place.root, "vgg", second, "")
    assert champion(place) == first


def test_the_oldest_go_and_are_named(place):
    place.build(600)
    versions = [place.train(wrong=range(20 * number), keep=3)[0] for number in range(5)]
    assert [one.id for one in versions_of(place.folder)] == [versions[4], versions[3], versions[0]]
    assert place.said[-1] == f"vgg: version {versions[2]} is removed, as 3 are kept"


def test_an_old_data_root_has_one_version_which_answers(place):
    place.build(600)
    place.lay_out()
    (place.folder / "versions" / "trained").rename(place.root.path / "vgg")
    (place.folder / "versions").rmdir()
    place.folder.rmdir()
    (place.root.path / "vgg").rename(place.folder)
    card = json.loads((place.folder / "card.json").read_text())
    del card["trained_at"]
    (place.folder / "card.json").write_text(json.dumps(card))
    (listed,) = list_versions(place.root)
    assert (listed.version, listed.champion, listed.right, listed.n) == (card["sha256"][:8], True, 180, 180)
    version, decision = place.train(wrong=range(50))
    assert (champion(place), decision.over, decision.promoted) == (listed.version, listed.version, False)
    assert [one.version for one in list_versions(place.root)] == [version, listed.version]


def test_a_full_disk_leaves_the_champion(place, monkeypatch):
    place.build(600)
    first, _ = place.train(wrong=range(50))

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in ("cic_assets.domain.models.versions.switching.write_json",
                   "cic_assets.domain.models.versions.switching._link_all"):  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(broken, full)
            with pytest.raises(OSError, match="No space left"):
                place.train()
        before = read_record(place.folder).champion
        assert (find_version(place.root, "vgg").card.version, len(read_record(place.folder).decisions)) in [
            (first, 1), (before, 2)
        ]  # fmt: skip
    better, _ = place.train()
    assert champion(place) == better


def test_a_switch_that_was_killed_is_brought_to_its_end_before_anything_is_compared(place, monkeypatch):
    place.build(600)
    place.train(wrong=range(50))
    with monkeypatch.context() as patch:
        patch.setattr("cic_assets.domain.models.versions.switching._take_place", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            place.train(wrong=range(20))
    second = champion(place)
    assert find_version(place.root, "vgg").folder.name == second
    _, decision = place.train(wrong=range(60))
    assert (champion(place), decision.comparison.first_right) == (second, 160)


def test_lists_have_intervals_over_units(place):
    place.build(600, per_unit=6)
    place.train(wrong=range(18))
    (listed,) = list_versions(place.root)
    assert listed.right == 162
    assert listed.accuracy_ci[1] - listed.accuracy_ci[0] > 0.15
    assert listed.pictures == 600


def test_versions_that_lie_about_do_not_know_what_was_taken_down(place):
    from cic_assets.domain.models import mark_taken_down, seen_pictures

    place.build(100)
    for wrong in (range(5), range(20)):
        place.train(wrong=wrong)
    gone = set(place.manifest["sha256"][:7])
    for folder in version_folders(place.folder):
        mark_taken_down(folder, gone, "2026-02-01")
        assert not seen_pictures(folder) & gone
    assert [one.taken_down for one in list_versions(place.root)] == [7, 7]
    assert not any(sha256 in (place.folder / "champion.json").read_text() for sha256 in gone)
