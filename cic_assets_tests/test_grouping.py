"""Tests of a file run on one worker: without that, each worker makes anew what a file's tests share."""

import pytest


def test_workers_know_the_group_of_a_test(request):
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("needs pytest-xdist with --dist loadgroup, as `make test` has it")
    assert request.node.nodeid.endswith("@test_grouping.py")
