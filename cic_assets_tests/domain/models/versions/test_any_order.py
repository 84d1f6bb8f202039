"""Trainings, promotions, rollbacks, prunings and take-downs in any order, each of which may be killed at any moment.

A kill is an exception that nobody catches, at the n-th time that something asks the system to change a file.
"""

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from upath import UPath

from cic_assets.domain.models import (
    admit,
    change_champion,
    mark_taken_down,
    note,
    prune,
    read_champion,
    read_record,
    seen_pictures,
    settle,
    trained_folder,
    version_folders,
    versions_of,
)
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.versions import decision, lay_out_training, lay_out_version, whole

CHANGES = {"os.rename", "os.remove", "os.link", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree"}
_left = [None]


class Killed(BaseException):
    """What ends a command in the middle."""


def _count(event, _arguments):
    if _left[0] is not None and event in CHANGES:
        _left[0] -= 1
        if _left[0] < 0:
            raise Killed


sys.addaudithook(_count)


@contextlib.contextmanager
def dying(after):
    """The process is killed after so many changes of files; not at all where it is None."""
    _left[0] = after
    try:
        yield
    except Killed:
        pass
    finally:
        _left[0] = None


kills = st.none() | st.integers(0, 40)


class Versions(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="cic-versions-"))
        self.folder = UPath(self.place / "vgg")
        self.number, self.gone = 0, set()
        self.may_be = {None}
        self.there = set()

    def teardown(self):
        shutil.rmtree(self.place)

    @initialize(old=st.booleans())
    def an_old_root(self, old):
        if old:
            self.may_be = {lay_out_version(self.folder, 99, trained_at=None).version}

    @rule(killed=kills)
    def train(self, killed):
        lay_out_training(self.folder, self.number)
        self.number += 1
        with dying(killed):
            admit(self.folder)
        shutil.rmtree(trained_folder(self.folder), ignore_errors=True)  # the next training begins anew

    @precondition(lambda self: versions_of(self.folder))
    @rule(data=st.data(), killed=kills)
    def crown(self, data, killed):
        settle(self.folder)  # as each command does first
        version = data.draw(st.sampled_from([one.id for one in versions_of(self.folder)]))
        self.may_be = {self.champion(), version}
        with dying(killed):
            change_champion(self.folder, decision(version, self.champion()))
            self.may_be = {version}

    @rule(killed=kills)
    def keep(self, killed):
        with dying(killed):
            note(self.folder, decision("other", self.champion(), promoted=False))

    @rule(keep=st.integers(1, 5), killed=kills)
    def prune(self, keep, killed):
        before = versions_of(self.folder)
        with dying(killed):
            prune(self.folder, keep)
        left = self.there = {one.id for one in versions_of(self.folder)}
        assert {one.id for one in before[:1]} <= left
        assert len(left) >= min(keep, len(before))
        assert killed is not None or len(left) <= max(2, keep)

    @rule(killed=kills)
    def settle(self, killed):
        with dying(killed):
            settle(self.folder)

    @precondition(lambda self: self.number)
    @rule(data=st.data(), killed=kills)
    def take_down(self, data, killed):
        picture = f"a{data.draw(st.integers(0, self.number - 1))}"
        with dying(killed):
            settle(self.folder)
            for place in version_folders(self.folder):
                mark_taken_down(place, {picture}, "2026-02-01")
            self.gone.add(picture)

    def champion(self):
        return next((one.id for one in versions_of(self.folder) if one.is_champion), None)

    @invariant()
    def the_champion_is_whole_and_the_old_or_the_new_one(self):
        champion = self.champion()
        assert champion in self.may_be
        if champion:
            assert read_champion(self.folder, whole).version == champion

    @invariant()
    def no_version_is_lost_but_by_pruning(self):
        listed = {one.id for one in versions_of(self.folder)}
        assert self.there <= listed
        self.there = listed

    @invariant()
    def each_version_is_whole(self):
        for version in versions_of(self.folder):
            assert whole(version.folder).version == version.id

    @invariant()
    def nobody_knows_what_was_taken_down(self):
        assert not any(seen_pictures(place) & self.gone for place in version_folders(self.folder))

    @invariant()
    def after_the_next_command_the_champion_lies_where_it_always_did(self):
        if read_record(self.folder).champion:
            again = self.folder.parent / "again"
            shutil.copytree(self.folder, again)
            settle(UPath(again))
            assert whole(UPath(again)).version == self.champion()
            shutil.rmtree(again)


Versions.TestCase.settings = settings(
    max_examples=short_or_long(10, 400), stateful_step_count=20, deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes, and a kill's number says little
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TestVersions = Versions.TestCase
