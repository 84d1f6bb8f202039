"""Which questions are open, and what becomes of an answer."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.overrides import Different, Label, LeaveOut, OverridesError, Same, Undo, decide, load_overrides
from cic_assets.domain.review import (
    Answer,
    GoneError,
    Queue,
    ReviewBook,
    ReviewError,
    copies,
    count_open,
    label_conflicts,
    shown_copy,
    would_change,
)
from cic_assets.domain.review.tables import Tables
from cic_assets_tests.fixtures.reviewed import CLASSES, drawn

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SAID = {"by": "anna", "at": NOON}
ALL = {"leave": lambda _entry: False}


@pytest.fixture
def open_book(reviewed):
    return lambda: ReviewBook(reviewed.write().root, reviewed.problem)


def entries(book, queue):
    return [one.entry for one in book.after(queue, -1, 1000, **ALL)]


def only(book, queue):
    (one,) = entries(book, queue)
    return one


def test_an_empty_root_asks_nothing(open_book):
    book = open_book()
    assert book.counts() == dict.fromkeys(Queue, 0)
    assert (book.mistake(), book.unseen(), book.changes().lines) == ("", 0, [])


def test_each_queue_says_what_speaks_for_its_entries(reviewed, open_book):
    one, other = reviewed.conflict()
    near = reviewed.near_copies(0.17)
    reviewed.near_copies(0.05)  # far from the limit
    wrong = reviewed.suspect(score=0.031)
    odd = reviewed.suspect(score=0.02, off_topic=True)
    brought = reviewed.called_wrong("")
    reviewed.called_wrong("tank", sha256=brought)
    reviewed.called_wrong("", sha256=brought)
    reviewed.called_wrong(kept=False)
    book = open_book()
    assert book.counts() == dict.fromkeys(Queue, 1)
    assert book.unseen() == 1

    conflict = only(book, Queue.CONFLICTS)
    assert conflict.pictures == (one, other)
    assert conflict.why[0] == "One picture under 2 classes: car (from cars) and tank (from tanks)."
    assert conflict.answers == (Answer.LEAVE_OUT, Answer.DIFFERENT)

    copies = only(book, Queue.COPIES)
    assert copies.pictures == near
    assert "correlate by 0.83 or more; from 0.80 on they count as one" in copies.why[0]
    assert copies.answers == (Answer.SAME, Answer.DIFFERENT, Answer.LEAVE_OUT)
    assert not copies.takes_classes

    error = only(book, Queue.LABEL_ERRORS)
    assert (error.pictures, error.likely) == ((wrong,), "tank")
    assert "gives that 3.1 %, and says tank" in error.why[0]

    assert only(book, Queue.OFF_TOPIC).pictures == (odd,)
    said = only(book, Queue.WRONG)
    assert (said.pictures, said.likely) == ((brought,), "")
    assert said.why == (
        "xception said car (93.0 %).",
        "On the page people said that it is none of these (2) and tank (1).",
    )


def test_the_surest_and_the_nearest_to_the_limit_come_first(reviewed, open_book):
    late, early = reviewed.suspect(score=0.2), reviewed.suspect(score=0.01)
    near, nearest = reviewed.near_copies(0.12), reviewed.near_copies(0.19)
    less, farthest = (reviewed.suspect(score=score, off_topic=True) for score in (0.3, 0.1))
    book = open_book()
    assert [one.pictures for one in entries(book, Queue.LABEL_ERRORS)] == [(early,), (late,)]
    assert [one.pictures for one in entries(book, Queue.COPIES)] == [nearest, near]
    assert [one.pictures for one in entries(book, Queue.OFF_TOPIC)] == [(farthest,), (less,)]


@pytest.mark.parametrize(
    ("queue", "answer", "expected"),
    [
        (Queue.CONFLICTS, "class:tank", lambda one, _: Label(one, "tank")),
        (Queue.CONFLICTS, "leave_out", lambda one, _: LeaveOut(one)),
        (Queue.CONFLICTS, "different", Different),
        (Queue.LABEL_ERRORS, "class:car", lambda one: Label(one, "car")),
        (Queue.LABEL_ERRORS, "leave_out", LeaveOut),
        (Queue.OFF_TOPIC, "class:bus", lambda one: Label(one, "bus")),
        (Queue.COPIES, "same", Same),
        (Queue.COPIES, "different", Different),
        (Queue.COPIES, "leave_out", lambda one, _: LeaveOut(one)),
        (Queue.WRONG, "class:tank", lambda one: Label(one, "tank")),
    ],
)
def test_an_answer_closes_its_entry_and_taking_it_back_opens_it(reviewed, open_book, queue, answer, expected):
    reviewed.of_each(2)
    reviewed.overrides.write_text("# mine\nkeep: []  # nothing yet\n")
    book = open_book()
    before = book.counts()
    entry = entries(book, queue)[0]
    said = book.decide(entry.id, answer, **SAID)
    assert said == expected(*entry.pictures)
    assert book.counts() == before | {queue: 1}
    assert book.entry(entry.id) is None
    assert "by anna, 2026-11-29T12:00:00+00:00" in reviewed.overrides.read_text()
    assert ReviewBook(reviewed.root, reviewed.problem).counts() == before | {queue: 1}
    book.undo(said, **SAID)
    assert book.counts() == before
    assert entries(book, queue)[0] == entry
    assert reviewed.overrides.read_text() == "# mine\nkeep: []  # nothing yet\n"


@pytest.mark.parametrize(
    ("queue", "answer"),
    [
        (Queue.COPIES, "class:car"),
        (Queue.LABEL_ERRORS, "same"),
        (Queue.LABEL_ERRORS, "different"),
        (Queue.LABEL_ERRORS, "class:plane"),
        (Queue.LABEL_ERRORS, "later"),
        (Queue.OFF_TOPIC, ""),
    ],
)
def test_what_is_no_answer_to_a_question_decides_nothing(reviewed, open_book, queue, answer):
    reviewed.of_each(1)
    book = open_book()
    with pytest.raises(ReviewError, match="is no answer to this"):
        book.decide(only(book, queue).id, answer, **SAID)
    assert not reviewed.overrides.exists()


def test_what_is_decided_elsewhere_is_not_asked_any_more(reviewed, open_book):
    reviewed.of_each(1)
    book = open_book()
    found = {queue: only(book, queue) for queue in Queue}
    conflict, near = found[Queue.CONFLICTS], found[Queue.COPIES]
    reviewed.overrides.write_text(
        f"labels: {{{conflict.pictures[1][:10]}: tank}}\nleave_out: [{found[Queue.OFF_TOPIC].pictures[0]}]\n"
        f"different: [[{near.pictures[1][:9]}, {near.pictures[0]}]]\n"
    )
    assert book.counts() == dict.fromkeys(Queue, 0) | {Queue.LABEL_ERRORS: 1, Queue.WRONG: 1}
    for queue in (Queue.CONFLICTS, Queue.OFF_TOPIC, Queue.COPIES):
        with pytest.raises(GoneError, match="it was decided elsewhere"):
            book.decide(found[queue].id, "leave_out", **SAID)


def test_a_class_says_nothing_of_whether_two_pictures_are_one(reviewed, open_book):
    one, _ = reviewed.near_copies()
    reviewed.overrides.write_text(f"labels: {{{one}: tank}}\n")
    assert open_book().counts()[Queue.COPIES] == 1


def test_who_keeps_one_of_two_classes_has_decided(reviewed, open_book):
    _, other = reviewed.conflict()
    reviewed.overrides.write_text(f"keep: [{{sha256: {other}, subreddit: tanks}}]\n")
    assert open_book().counts()[Queue.CONFLICTS] == 0


def test_of_two_servers_the_second_finds_an_entry_decided_whatever_it_saw(reviewed, open_book):
    reviewed.suspect()
    one, other = open_book(), open_book()
    entry = only(other, Queue.LABEL_ERRORS)

    def decide_first():
        one.decide(entry.id, "class:bus", **SAID)

    # Between the other's look at the file and its writing.
    seen, other.entry = other.entry(entry.id), None
    decide_first()
    other.entry = lambda _id: seen
    with pytest.raises(GoneError, match="it was decided elsewhere"):
        other.decide(entry.id, "class:tank", **SAID)
    assert load_overrides(reviewed.overrides).labels.labels == ((entry.pictures[0], "bus"),)


def test_a_file_with_a_mistake_is_told_and_loses_nothing(reviewed, open_book):
    reviewed.of_each(2)
    book = open_book()
    first, second = entries(book, Queue.LABEL_ERRORS)
    book.decide(first.id, "class:tank", **SAID)
    right = reviewed.overrides.read_bytes()
    broken = right + b"same: [[\n"
    reviewed.overrides.write_bytes(broken)
    assert "is not valid YAML" in book.mistake()
    assert book.counts()[Queue.LABEL_ERRORS] == 1  # what was decided is not asked again
    with pytest.raises(OverridesError, match="is not valid YAML"):
        book.decide(second.id, "class:tank", **SAID)
    with pytest.raises(OverridesError, match="is not valid YAML"):
        book.undo(Label(first.pictures[0], "tank"), **SAID)
    assert reviewed.overrides.read_bytes() == broken
    reviewed.overrides.write_bytes(right)
    assert book.mistake() == ""
    book.decide(second.id, "class:tank", **SAID)
    assert book.counts()[Queue.LABEL_ERRORS] == 0


def test_a_picture_that_is_taken_down_is_gone_with_its_entry(reviewed, open_book):
    gone, stays = reviewed.suspect(score=0.01), reviewed.suspect(score=0.02)
    book = open_book()
    edition = book.edition()
    entry = entries(book, Queue.LABEL_ERRORS)[0]
    reviewed.audited = [row for row in reviewed.audited if row["sha256"] != gone]
    reviewed.hashes["cars"] = [row for row in reviewed.hashes["cars"] if row["sha256"] != gone]
    reviewed.write()
    assert [one.pictures for one in entries(book, Queue.LABEL_ERRORS)] == [(stays,)]
    assert book.seen(gone) == ()
    assert book.edition() > edition
    with pytest.raises(GoneError):
        book.decide(entry.id, "class:tank", **SAID)


def test_a_picture_that_is_missing_takes_its_entries_along_until_the_tables_are_written_anew(
    reviewed, open_book, monkeypatch
):
    missing, stays = reviewed.suspect(score=0.01), reviewed.suspect(score=0.02)
    reviewed.suspect(sha256=missing, off_topic=True)
    reviewed.write()
    reads, read = [], Tables.read
    monkeypatch.setattr(Tables, "read", lambda tables: reads.append(1) or read(tables))
    book = open_book()
    edition, entry = book.edition(), entries(book, Queue.LABEL_ERRORS)[0]
    for _ in range(5):
        book.miss(missing)
        assert [one.pictures for one in entries(book, Queue.LABEL_ERRORS)] == [(stays,)]
        assert book.counts()[Queue.OFF_TOPIC] == 0
        assert book.edition() == edition  # or each window would begin anew, and ask for it again
    assert len(reads) == 2  # a table may have gone with it
    with pytest.raises(GoneError):
        book.decide(entry.id, "class:tank", **SAID)
    later = reviewed.suspect(score=0.03)
    reviewed.write()
    assert [one.pictures for one in entries(book, Queue.LABEL_ERRORS)] == [(missing,), (stays,), (later,)]
    assert book.edition() > edition


def test_a_server_that_is_started_again_says_so(reviewed, open_book):
    reviewed.of_each(1)
    assert open_book().edition() != open_book().edition()


def test_tables_that_say_the_same_again_leave_the_places_as_they_are(reviewed, open_book):
    reviewed.of_each(2)
    book = open_book()
    edition = book.edition()
    reviewed.write()
    assert book.edition() == edition


def test_entries_are_found_by_place_in_both_directions_and_some_are_left(reviewed, open_book):
    names = [reviewed.suspect(score=number / 100) for number in range(6)]
    book = open_book()
    book.decide(entries(book, Queue.LABEL_ERRORS)[2].id, "class:car", **SAID)

    def leave(entry):
        return entry.pictures[0] == names[3]

    after = book.after(Queue.LABEL_ERRORS, 0, 2, leave)
    assert [(one.place, one.entry.pictures[0]) for one in after] == [(1, names[1]), (4, names[4])]
    before = book.before(Queue.LABEL_ERRORS, 4, 9, leave)
    assert [one.place for one in before] == [1, 0]
    assert book.after(Queue.LABEL_ERRORS, 5, 1, leave) == []


def test_what_the_next_run_does_is_counted(reviewed, open_book):
    one, _ = reviewed.conflict()
    joined, other = reviewed.picture(), reviewed.picture()
    near = reviewed.near_copies()
    names = [reviewed.suspect(score=number / 100) for number in range(3)]
    book = open_book()
    decide(reviewed.overrides, Same(joined, other), by="x", at=NOON)
    decide(reviewed.overrides, Different(*near), by="x", at=NOON)
    for decision in (Label(one, "tank"), Label(names[0], "tank"), Label(names[1], "car"), LeaveOut(names[2])):
        decide(reviewed.overrides, decision, by="x", at=NOON, classes=CLASSES)
    decide(reviewed.overrides, Label("f" * 64, "car"), by="x", at=NOON)
    assert book.changes().lines == [
        "1 picture gets another class",
        "1 picture keeps its class by your word",
        "1 picture comes into the data set",
        "1 picture leaves the data set",
        "1 pair becomes one picture",
        "1 pair becomes two pictures",
        "1 decision waits for its picture",
    ]
    assert book.changes().follows.startswith("The next cic run looks for copies again")
    while reviewed.overrides.exists():
        decide(reviewed.overrides, Undo(), by="x", at=NOON)
    assert (book.changes().lines, book.changes().follows) == ([], "")


def test_what_the_last_run_applied_is_not_counted_again_until_it_is_taken_back(reviewed, open_book):
    name = reviewed.suspect()
    decide(reviewed.overrides, Label(name, "tank"), by="x", at=NOON)
    reviewed.manifest = [row | {"klass": "tank", "by_hand": True} for row in reviewed.manifest]
    from cic_assets.domain.overrides.labels import decision_id

    reviewed.root.write_table("decided_copies", pd.DataFrame({"sha256": [name], "decision": [decision_id(name)]}))
    book = open_book()
    assert book.changes().lines == []
    decide(reviewed.overrides, Undo(), by="x", at=NOON)
    assert book.changes().lines == ["1 earlier decision holds no more"]


def test_decisions_that_contradict_each_other_are_told(reviewed, open_book):
    one, other = reviewed.conflict()
    reviewed.overrides.write_text(f"labels: {{{one}: car, {other}: tank}}\n")
    with pytest.raises(OverridesError, match="copies of one picture"):
        open_book().changes()


@pytest.mark.parametrize("queue", Queue)
def test_what_a_queue_may_change_is_said_of_one_and_of_many(queue):
    assert would_change(queue, 1) != would_change(queue, 2).replace("2", "1")
    assert "12,345 p" in would_change(queue, 12_345)


@pytest.mark.parametrize(("width", "height"), [(3000, 2000), (40, 2500), (100, 80)])
def test_a_copy_to_look_at_is_encoded_again_and_of_bounded_size(width, height):
    data = drawn(1, width, height)
    copy = shown_copy(data)
    shape = cv2.imdecode(np.frombuffer(copy, np.uint8), cv2.IMREAD_COLOR).shape
    assert max(shape[:2]) == min(1024, max(width, height))
    assert shape[1] / shape[0] == pytest.approx(width / height, rel=0.05)
    assert copy != data


def test_what_waits_is_counted_without_what_is_decided(reviewed):
    one, _ = reviewed.conflict()
    reviewed.conflict()
    near = reviewed.near_copies()
    reviewed.write()
    groups, bridges = (reviewed.root.read_table(name) for name in ("duplicates", "bridges"))
    reviewed.overrides.write_text(f"labels: {{{one}: car}}\n")
    decisions = load_overrides(reviewed.overrides)
    assert count_open(label_conflicts(groups), decisions) == 1
    assert count_open(copies(groups, bridges, reviewed.problem.duplicates), decisions) == 1
    reviewed.overrides.write_text(f"same: [[{near[1]}, {near[0]}]]\n")
    assert count_open(copies(groups, bridges, reviewed.problem.duplicates), load_overrides(reviewed.overrides)) == 0


def test_a_bridge_near_the_limit_is_a_pair_of_two_groups(reviewed, open_book):
    one, other = reviewed.picture(), reviewed.picture()
    reviewed.near_copies()
    reviewed.write()
    bridge = {"sha256": [other], "verified_against": [one], "verified_by": ["alignment mirrored"], "distance": [0.18]}
    reviewed.root.write_table("bridges", pd.DataFrame(bridge))
    book = ReviewBook(reviewed.root, reviewed.problem)
    entry = entries(book, Queue.COPIES)[0]
    assert entry.pictures == (one, other)
    assert "once one is mirrored" in entry.why[0]
    assert entry.answers == (Answer.SAME, Answer.DIFFERENT)  # they are two groups: one word leaves out one of them
    book.decide(entry.id, "different", **SAID)
    assert book.changes().parted == 1
