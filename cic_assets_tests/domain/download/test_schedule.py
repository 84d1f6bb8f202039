"""Turns are taken fairly, within the limits, and not before their time."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download import Network
from cic_assets.domain.download.manners import site_of
from cic_assets.domain.download.schedule import Schedule


def start_all(schedule, now=0.0):
    started = []
    while (job := schedule.start(now)) is not None:
        started.append(job)
    return started


def test_hosts_take_turns():
    schedule = Schedule(concurrency=10, per_host=10)
    for host, job in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")]:
        schedule.add(host, job)
    assert start_all(schedule) == ["a1", "b1", "a2", "a3"]


def test_a_full_host_waits_and_others_do_not():
    schedule = Schedule(concurrency=10, per_host=2)
    for number in range(5):
        schedule.add("a", f"a{number}")
    schedule.add("b", "b0")
    assert start_all(schedule) == ["a0", "b0", "a1"]
    schedule.finish("a")
    assert start_all(schedule) == ["a2"]


def test_no_more_than_the_concurrency():
    schedule = Schedule(concurrency=2, per_host=2)
    for host in "abc":
        schedule.add(host, host)
    assert start_all(schedule) == ["a", "b"]
    schedule.finish("a")
    assert start_all(schedule) == ["c"]


def test_delayed_jobs_come_when_due_and_first():
    schedule = Schedule(concurrency=9, per_host=1)
    schedule.add("a", "later", at=5.0)
    schedule.add("a", "now")
    schedule.add("a", "next")
    assert schedule.next_due() == 5.0
    assert start_all(schedule, 0.0) == ["now"]
    schedule.finish("a")
    assert start_all(schedule, 5.0) == ["later"]
    assert schedule.next_due() is None


def test_a_paused_host_starts_nothing_until_then():
    schedule = Schedule(concurrency=9, per_host=9)
    schedule.add("a", "a")
    schedule.add("b", "b")
    schedule.pause("a", 3.0)
    schedule.pause("a", 2.0)  # a shorter pause does not end a longer one
    assert start_all(schedule, 2.5) == ["b"]
    assert schedule.next_due() == 3.0
    assert start_all(schedule, 3.0) == ["a"]


def test_a_host_that_is_asked_too_fast_starts_fewer_until_it_is_released():
    schedule = Schedule(concurrency=9, per_host=9, per_second=4.0)
    for number in range(6):
        schedule.add("a", number)
    assert start_all(schedule, 1.0) == [0]
    assert schedule.next_due() == 1.25
    assert start_all(schedule, 1.25) == [1]
    assert schedule.slow_down("a", 1.25, 1.3)
    assert start_all(schedule, 1.5) == [2]
    assert start_all(schedule, 1.9) == []
    assert start_all(schedule, 2.2) == [3]
    schedule.release("a")
    assert start_all(schedule, 2.2) == [4, 5]


jobs = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=40)
pauses = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5)), max_size=4)


@given(jobs, pauses, st.integers(1, 5), st.integers(1, 3))
def test_every_job_runs_once_within_the_limits(jobs, pauses, concurrency, per_host):
    schedule = Schedule(concurrency=concurrency, per_host=per_host)
    for number, (host, at) in enumerate(jobs):
        schedule.add(host, (host, number, at), at=float(at))
    until = dict.fromkeys("abcd", 0.0)
    for host, pause in pauses:
        schedule.pause(host, float(pause))
        until[host] = max(until[host], pause)
    done, active, now = [], [], 0.0
    while len(done) < len(jobs):
        for job in start_all(schedule, now):
            assert now >= until[job[0]]
            assert now >= job[2]
            active.append(job)
        assert len(active) <= concurrency
        assert max(Counter(job[0] for job in active).values(), default=0) <= per_host
        assert schedule.active == len(active)
        if active:
            done.append(active.pop(0))
            schedule.finish(done[-1][0])
        else:
            assert schedule.next_due() > now
            now = schedule.next_due()
    assert sorted(number for _, number, _ in done) == list(range(len(jobs)))


def test_hosts_of_one_site_stand_in_one_line_and_have_its_manners():
    assert site_of("upload.wikimedia.org") == site_of("thumb.wikimedia.org") != site_of("i.redd.it")
    schedule = Schedule(concurrency=10, per_host=10, manners=Network.public().manners_of)
    for number in range(5):
        schedule.add(site_of(("upload.wikimedia.org", "thumb.wikimedia.org")[number % 2]), f"w{number}")
        schedule.add("i.redd.it", f"r{number}")
    assert sorted(start_all(schedule)) == ["r0", "r1", "r2", "r3", "r4", "w0"]
    assert start_all(schedule, now=0.2) == []  # four a second
    assert start_all(schedule, now=0.25) == ["w1"]
    assert start_all(schedule, now=5) == []  # two at once
    schedule.finish(site_of("upload.wikimedia.org"))
    assert start_all(schedule, now=5.25) == ["w2"]


def test_settings_that_ask_for_less_count_before_a_site_s_manners():
    schedule = Schedule(concurrency=10, per_host=1, per_second=1, manners=Network.public().manners_of)
    for number in range(3):
        schedule.add(site_of("thumb.wikimedia.org"), number)
    assert start_all(schedule) == [0]
    assert start_all(schedule, now=10) == []
    schedule.finish(site_of("thumb.wikimedia.org"))
    assert start_all(schedule, now=10) == [1]


def test_a_server_of_our_own_is_asked_as_fast_as_it_can():
    manners = Network.replay("127.0.0.1", 1).manners_of(site_of("thumb.wikimedia.org"))
    assert manners == (2, math.inf)
