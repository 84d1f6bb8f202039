"""Decisions that the program writes into a file that people write by hand."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cic_assets.domain.overrides import Label, LeaveOut, OverridesError, Undo, decide, load_overrides
from cic_assets_tests.fixtures.effort import short_or_long

A, B, C, D, E, F = (letter * 64 for letter in "abcdef")
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
BY_ANNA = "by anna, 2026-11-29T12:00:00+00:00"
CLASSES = ("car", "tank")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "overrides.yaml"


def say(file, decision, by="anna", at=NOON):
    return decide(file, decision, by=by, at=at, classes=CLASSES)


def said(file):
    """Class by picture, as it is written; None where it is left out."""
    labels = load_overrides(file, CLASSES).labels
    return dict(labels.labels) | dict.fromkeys(labels.leave_out)


def test_a_file_is_begun_and_removed_again(file):
    assert say(file, Label(A, "tank")) == Label(A, "tank")
    assert file.read_text().splitlines()[1:] == [
        "labels:  # begun by cic decide",
        f"  {A}: tank  # decision 1, {BY_ANNA}",
    ]
    say(file, LeaveOut(B), at=NOON.astimezone(timezone(timedelta(hours=5))))
    assert file.read_text().splitlines()[3:] == [
        "leave_out:  # begun by cic decide",
        f"  - {B}  # decision 2, {BY_ANNA}",
    ]
    assert said(file) == {A: "tank", B: None}
    assert say(file, Undo()) == LeaveOut(B)
    assert say(file, Undo(A[:8])) == Label(A, "tank")
    assert not file.exists()


def test_what_a_person_wrote_becomes_a_comment_and_comes_back(file):
    written = f"# mine\nlabels:\n  {A[:8]}: car   # looked at it\n  {B}: car\n\nkeep: [{C}]  # sure\n"
    file.write_text(written)
    say(file, Label(A, "tank"))
    assert file.read_text() == (
        f"# mine\nlabels:\n# decision 1, {BY_ANNA}, was:  {A[:8]}: car   # looked at it\n  {B}: car\n"
        f"  {A}: tank  # decision 1, {BY_ANNA}\n\nkeep: [{C}]  # sure\n"
    )
    say(file, LeaveOut(A), by="bob")
    assert said(file) == {A: None, B: "car"}
    say(file, Undo(A))
    assert said(file) == {A: "tank", B: "car"}
    say(file, Undo(A))
    assert file.read_text() == written


def test_brackets_are_written_in_too(file):
    written = f"{{same: [], labels: {{{A[:8]}: car, {B}: tank}}, leave_out: [{C}]}}"
    file.write_text(written)
    for decision in (Label(A, "tank"), LeaveOut(B), Label(C, "car"), Label(D, "car"), LeaveOut(A)):
        say(file, decision)
    assert said(file) == {A: None, B: None, C: "car", D: "car"}
    for _ in range(5):
        say(file, Undo())
    assert file.read_text() == written


def test_a_decision_goes_before_those_about_copies_until_it_is_taken_back(file):
    written = f"labels: {{{A[:8]}: car, {B}: tank}}\nleave_out:\n- {C}\n"
    file.write_text(written)
    decide(file, Label(D, "tank"), by="anna", at=NOON, classes=CLASSES, copies=[A, C, D])
    assert said(file) == {B: "tank", D: "tank"}
    decide(file, LeaveOut(A), by="anna", at=NOON, classes=CLASSES, copies=[A, C, D])
    assert said(file) == {B: "tank", A: None}
    say(file, Undo())
    assert said(file) == {B: "tank", D: "tank"}
    say(file, Undo(D))
    assert file.read_text() == written


@pytest.mark.parametrize("decision", [Label(A, "car"), Label(A[:8], "car"), LeaveOut(C)])
def test_what_is_said_already_is_not_written_again(file, decision):
    file.write_text(f"labels: {{{A[:10]}: car}}\nleave_out:\n- {C}")
    before = file.stat()
    assert say(file, decision) == decision
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_in_any_order_what_is_left_when_all_is_taken_back_is_what_was_there(file):
    file.write_text("keep: []")
    for picture in (A, B, C):
        say(file, Label(picture, "car"))
    for picture in (B, A, C):
        say(file, Undo(picture))
    assert file.read_text() == "keep: []"


@pytest.mark.parametrize(
    ("text", "decision", "message"),
    [
        ("labels: [", Label(A, "car"), "overrides.yaml:1: is not valid YAML"),
        ("", Label(A, "plane"), "found 'plane', expected one of car, tank"),
        ("", Label(A, "car: [a, b"), "found 'car: .a, b', expected one of car, tank"),
        ("labels: !!map {aaaaaaaa: car}\n", Label(A, "tank"), "overrides.yaml: is written in a way that only a person"),
        (f"leave_out:\n  -\n    {A}\n", Label(A, "tank"), "only a person can change"),
        ("", Label("tank.jpg", "car"), "found 'tank.jpg', expected 8 to 64 hexadecimal digits"),
        ("", Undo("a"), "found 'a', expected 8 to 64 hexadecimal digits"),
        ("", Undo(), "overrides.yaml: there is no decision to take back"),
        (f"labels: {{{A}: car}}", Undo(A), f"there is no decision to take back about {A[:12]}"),
        (f"labels:\n  {A}:\n    car\n", Label(A, "tank"), f"labels.{A} stands on several lines: change it by hand"),
        (f"labels:\n  ? {A}\n  : car\n", Label(A, "tank"), f"labels.{A} stands on several lines"),
        ("keep: []\n...\n", Label(A, "tank"), "overrides.yaml: is written in a way that only a person can change"),
        (f"keep: &here [{B}]\nleave_out: *here\n", Label(B, "tank"), "only a person can change"),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_file_stays(file, text, decision, message):
    file.write_text(text)
    with pytest.raises(OverridesError, match=message):
        say(file, decision)
    assert file.read_text() == text
    assert [path.name for path in file.parent.iterdir()] == ["overrides.yaml"]


def test_a_decision_that_somebody_wrote_behind_is_theirs_to_take_back(file):
    say(file, Label(A, "car"))
    written = file.read_text().rstrip("\n") + " but look again\n"
    file.write_text(written)
    with pytest.raises(OverridesError, match="no decision to take back"):
        say(file, Undo())
    assert file.read_text() == written


@pytest.mark.parametrize("by", ["a, was: b\nlabels: {}", "\u2028x\x85", "  ", "Zoë 😀", "x" * 1000, "\ud800", "# {[:"])
def test_any_name_ends_no_comment(file, by):
    written = "leave_out:\n"
    file.write_text(written)
    say(file, Label(A, "car"), by=by)
    say(file, LeaveOut(A), by=by)
    assert said(file) == {A: None}
    assert max(map(len, file.read_text().splitlines())) < 400
    say(file, Undo())
    say(file, Undo())
    assert file.read_text() == written


def test_a_link_stays_one(file, tmp_path):
    target = tmp_path / "elsewhere" / "mine.yaml"
    target.parent.mkdir()
    target.write_text("keep: []\n")
    file.symlink_to(target)
    say(file, Label(A, "car"))
    assert file.is_symlink()
    assert said(target) == {A: "car"}


def test_what_a_killed_writer_left_goes(file):
    (file.parent / ".overrides.yaml.abcd1234.part").write_text("half")
    say(file, Label(A, "car"))
    assert [path.name for path in file.parent.iterdir()] == ["overrides.yaml"]


PICTURES = [digit * 64 for digit in "abcdef123456"]
"""Some are written with their first digits, which are a number to YAML in some."""


@st.composite
def hand_written(draw):
    """A file as people write them, and what it says."""
    shuffled = draw(st.permutations(PICTURES))
    labels = {one: draw(st.sampled_from(CLASSES)) for one in shuffled[: draw(st.integers(0, 3))]}
    left_out = shuffled[3 : 3 + draw(st.integers(0, 3))]
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    margin = " " * draw(st.integers(0, 3))
    in_braces = draw(st.booleans()) and draw(st.booleans())
    comments = st.sampled_from(["", "", "  # why: {not}", " #", "   # decided: - 'x' [", " # ümläut 😀"])
    odd = st.sampled_from(["", "# labels:\n", "   # - aaaaaaaa\n", "\n", "#: car\n", "  \n", "\n\n"])

    def named(sha256):
        name = draw(st.sampled_from([sha256, sha256[:8], sha256[:9].upper()]))
        return draw(st.sampled_from([name, f"'{name}'", f'"{name}"']))

    def entries():
        return [f"{named(one)}: {klass}" for one, klass in labels.items()], [named(one) for one in left_out]

    def section(name, items, brackets, dash):
        if in_braces or draw(st.booleans()):
            gap = draw(st.sampled_from(["", " ", f"{ends}      ", f" # so{ends}      "]))
            last = draw(st.sampled_from(["", ","])) if items else ""
            between = draw(st.sampled_from([", ", ",", f",{ends}       ", f", # next{ends}     "]))
            return f"{name}: {brackets[0]}{gap}{between.join(items)}{last}{gap}{brackets[1]}"
        inner = margin + " " * draw(st.integers(0 if dash else 1, 4))
        lines = [f"{draw(odd)}{inner}{dash}{item}{draw(comments)}\n" for item in items]
        return f"{name}:{draw(comments)}\n{''.join(lines)}{draw(odd)}".rstrip("\n").replace("\n", ends)

    of_labels, of_left_out = entries()
    parts = [f"keep: [{'0' * 64}]", "different: []"][: draw(st.integers(0, 2))]
    if labels or draw(st.booleans()):
        parts.append(section("labels", of_labels, "{}", ""))
    if left_out or draw(st.booleans()):
        parts.append(section("leave_out", of_left_out, "[]", draw(st.sampled_from(["- ", "-  "]))))
    parts = draw(st.permutations(parts))
    if in_braces:
        text = f"{{{draw(st.sampled_from(['', ' ', ends]))}{f',{ends} '.join(parts)}}}" if parts else "{}"
    else:
        text = "".join(f"{draw(odd)}{margin}{part}{draw(comments)}{ends}" for part in parts) + draw(odd)
    text = draw(st.sampled_from(["", f"---{ends}", "\ufeff", f"# top{ends}"])) + text.replace("\r\n", "\n").replace(
        "\n", ends
    )
    text = text if draw(st.booleans()) else text.rstrip("\r\n")
    return text, labels | dict.fromkeys(left_out)


DECISIONS = st.one_of(
    st.builds(Label, st.sampled_from(PICTURES), st.sampled_from(CLASSES)),
    st.builds(LeaveOut, st.sampled_from(PICTURES)),
    st.just(Undo()),
    st.builds(Undo, st.sampled_from(PICTURES)),
)


class Model:
    """What a file should say: the last word about each picture, and what it was before."""

    def __init__(self, written):
        self.written, self.made = written, []

    def said(self):
        return self.written | dict(self.made)

    def say(self, decision):
        """Whether there is anything to do."""
        if isinstance(decision, Undo):
            places = [n for n, (one, _) in enumerate(self.made) if decision.sha256 in (None, one)]
            if not places:
                return False
            self.made.pop(places[-1])
            return True
        klass = decision.klass if isinstance(decision, Label) else None
        if self.said().get(decision.sha256, "nothing") != klass:
            self.made.append((decision.sha256, klass))
        return True


def whole(found):
    """The same with whole names."""
    return {next(one for one in PICTURES if one.startswith(name)): klass for name, klass in found.items()}


def is_within(less, more):
    """Whether a text comes of another by putting something in, here and there."""
    left = iter(more)
    return all(letter in left for letter in less)


@settings(max_examples=short_or_long(100, 1_000), deadline=None)
@given(hand_written(), st.lists(DECISIONS, max_size=12))
def test_files_as_people_write_them_keep_every_byte(tmp_path_factory, hand, decisions):
    text, written = hand
    file = tmp_path_factory.mktemp("hand") / "overrides.yaml"
    file.write_bytes(text.encode())
    assert whole(said(file)) == written
    model = Model(written)
    for decision in decisions:
        if model.say(decision):
            say(file, decision)
        else:
            with pytest.raises(OverridesError, match="no decision to take back"):
                say(file, decision)
        assert whole(said(file)) == model.said()
        now = file.read_bytes().decode()
        assert is_within(text, now)
        if not model.made:
            assert now == text
    for _ in list(model.made):
        assert model.say(Undo())
        say(file, Undo())
        assert whole(said(file)) == model.said()
    assert file.read_bytes() == text.encode()


def _decide_many(file, digits):
    for digit in digits:
        decide(file, Label(digit * 64, "car"), by=f"process {os.getpid()}", at=NOON)


def test_two_at_once_lose_nothing(file):
    file.write_text("keep: []  # mine\n")
    spawn = multiprocessing.get_context("fork")
    processes = [spawn.Process(target=_decide_many, args=(file, digits)) for digits in ("01234567", "89abcdef")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert said(file) == {digit * 64: "car" for digit in "0123456789abcdef"}
    for _ in range(16):
        say(file, Undo())
    assert file.read_text() == "keep: []  # mine\n"


WRITER = """
import hashlib, sys
from datetime import UTC, datetime
from pathlib import Path
from cic_assets.domain.overrides import Label, decide
print("ready", flush=True)
for number in range(10_000):
    name = hashlib.sha256(str(number).encode()).hexdigest()
    decide(Path(sys.argv[1]), Label(name, "car"), by="x", at=datetime(2026, 11, 29, tzinfo=UTC))
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_whole_file_and_no_lock(file):
    before = f"labels:\n  {A}: tank  # mine\n"
    file.write_text(before)
    for moment in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(0.05 + 0.03 * moment)
            writer.send_signal(signal.SIGKILL)
        assert said(file)[A] == "tank"
        say(file, LeaveOut(B))
        say(file, Undo(B))
    assert len(said(file)) > 1
    while len(said(file)) > 1:
        say(file, Undo())
    assert file.read_text() == before
