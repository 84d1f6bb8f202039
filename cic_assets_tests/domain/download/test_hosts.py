"""Who is asked no more in a run, and what takes that back."""

import pytest

from cic_assets.domain.download.hosts import MOST_REFUSALS, HostHealth
from cic_assets.domain.download.results import FetchError
from cic_assets.domain.media import Outcome

SILENT = FetchError(Outcome.TIMEOUT, "no answer", host_fault=True)
BUSY = FetchError(Outcome.HTTP_ERROR, "HTTP 429", host_fault=True, too_fast=True)


def test_a_dead_host_that_answers_after_all_is_asked_again():
    health = HostHealth(3)
    for _ in range(3):
        health.check("a")
        health.failed("a", SILENT)
    with pytest.raises(FetchError, match="not asked: a failed 3 times in a row"):
        health.check("a")
    health.succeeded("a")
    health.check("a")


@pytest.mark.parametrize("dead_before", [False, True])
def test_no_late_answer_takes_back_that_a_host_wants_to_be_left_alone(dead_before):
    health = HostHealth(3)
    for _ in range(3 * dead_before):
        health.failed("a", SILENT)
    health.leave_alone("a", BUSY, "would have to be left alone for 60 s")
    health.succeeded("a")
    assert health.is_left_alone("a")
    with pytest.raises(FetchError, match="not asked: a would have to be left alone for 60 s"):
        health.check("a")


def test_who_lets_nothing_through_is_left_alone():
    health = HostHealth(20)
    assert [health.refused("a", BUSY) for _ in range(MOST_REFUSALS)] == list(range(1, MOST_REFUSALS + 1))
    health.succeeded("a")
    with pytest.raises(FetchError, match="not asked: a lets nothing through"):
        health.check("a")
