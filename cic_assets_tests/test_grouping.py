"""Tests of a file run on one worker: without that, each worker makes anew what a file's tests share. In which order."""

import pytest

from cic_assets_tests.conftest import BEFORE_ALL, HERE, LONGEST_FIRST


def test_workers_know_the_group_of_a_test(request):
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("needs pytest-xdist with --dist loadgroup, as `make test` has it")
    assert request.node.nodeid.endswith("@test_grouping.py")


def test_what_takes_longest_begins_first_and_then_come_the_fast_ones(request):
    """Of the tests that are run here: all of them in `make test`."""
    turns = [
        "longest" if item.path.name in BEFORE_ALL else "slow" if item.get_closest_marker("slow") else "fast"
        for item in request.session.items
    ]
    assert turns == sorted(turns, key=["longest", "fast", "slow"].index)


def test_what_is_named_there_is_there():
    for name in (*BEFORE_ALL, *LONGEST_FIRST):
        assert any(path.is_dir() or name.endswith(".py") for path in HERE.rglob(name)), name
