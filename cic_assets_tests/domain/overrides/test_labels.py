"""What decisions about classes mean once it is known which pictures there are, and which of them are copies."""

import hashlib
import time

import pytest

from cic_assets.domain.overrides import LabelDecisions, OverridesError

A, B, C, D = (letter * 64 for letter in "abcd")
COPIES = {A: A, B: A, C: C}
"""B is a copy of A, C is alone."""


def test_a_decision_is_one_about_all_copies():
    of_a, of_b = (LabelDecisions(labels=((name, "tank"),)).of_groups(COPIES) for name in (A[:8], B))
    assert of_a.classes == of_b.classes == {A: "tank"}
    assert of_a.unknown == of_b.unknown == 0
    # Another of them leads by now: the group has another name, the decision is the same.
    assert LabelDecisions(labels=((A, "tank"),)).of_groups({A: B, B: B}).classes == {B: "tank"}


def test_what_is_left_out_has_no_class():
    decided = LabelDecisions(labels=((C, "car"),), leave_out=(B[:10],)).of_groups(COPIES)
    assert decided.classes == {C: "car", A: None}


def test_pictures_that_are_not_there_are_counted():
    decided = LabelDecisions(labels=((D, "car"), (C, "car")), leave_out=("12345678",)).of_groups(COPIES)
    assert (decided.classes, decided.unknown) == ({C: "car"}, 2)


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        (
            LabelDecisions(labels=((A, "car"), (B, "tank"))),
            "overrides: aaaaaaaaaaaa is car by labels and bbbbbbbbbbbb is tank by labels, and they are copies of one",
        ),
        (LabelDecisions(labels=((A[:8], "car"), (A, "tank"))), "aaaaaaaaaaaa is tank by labels, and they are one pict"),
        (LabelDecisions(labels=((A, "car"),), leave_out=(B,)), "bbbbbbbbbbbb is under leave_out, and they are copies"),
        (LabelDecisions(labels=((A, "car"),), leave_out=(A[:9],)), "aaaaaaaaaaaa is under leave_out, and they are one"),
    ],
)
def test_contradictions_are_refused(decisions, message):
    with pytest.raises(OverridesError, match=message):
        decisions.of_groups(COPIES)


def test_what_is_said_twice_and_the_same_is_no_contradiction():
    decisions = LabelDecisions(labels=((A, "car"), (A[:8], "car"), (B, "car")), leave_out=(C, C[:8]))
    assert decisions.of_groups(COPIES).classes == {A: "car", C: None}


def test_digits_of_several_pictures_are_refused_once_for_each_name():
    twins = {A: A, "a" * 63 + "b": "a" * 63 + "b"}
    with pytest.raises(OverridesError) as raised:
        LabelDecisions(labels=(("aaaaaaaa", "car"),), leave_out=("aaaaaaaaa", D)).of_groups(twins)
    assert str(raised.value).splitlines() == [
        "overrides: aaaaaaaa begins 2 pictures: give more digits",
        "overrides: aaaaaaaaa begins 2 pictures: give more digits",
    ]


def test_twenty_thousand_decisions_about_a_hundred_thousand_pictures():
    names = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(100_000)]
    decisions = LabelDecisions(labels=tuple((name[:16], "car") for name in names[:20_000]))
    started = time.process_time()
    decided = decisions.of_groups({name: name for name in names})
    assert len(decided.classes) == 20_000
    assert time.process_time() - started < 10  # half a second; a look at each picture for each decision takes minutes
