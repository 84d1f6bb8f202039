"""What a person decides about two pictures, written by the program into the file that people write by hand too."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.overrides import Different, Label, LeaveOut, OverridesError, Same, Undo, decide, load_overrides

A, B, C, D = (letter * 64 for letter in "abcd")
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
BY_ANNA = "by anna, 2026-11-29T12:00:00+00:00"
CLASSES = ("car", "tank")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "overrides.yaml"


def say(file, decision, **more):
    return decide(file, decision, by="anna", at=NOON, classes=CLASSES, **more)


def pairs(file):
    copies = load_overrides(file, CLASSES).copies
    return {"same": list(copies.same), "different": list(copies.different)}


def test_a_pair_is_one_picture_then_two_then_as_before(file):
    assert say(file, Same(A, B)) == Same(A, B)
    assert file.read_text().splitlines()[1:] == [
        "same:  # begun by cic decide",
        f"  - [{A}, {B}]  # decision 1, {BY_ANNA}",
    ]
    say(file, Different(B, A))
    assert pairs(file) == {"same": [], "different": [(B, A)]}
    assert say(file, Undo()) == Different(B, A)
    assert pairs(file) == {"same": [(A, B)], "different": []}
    assert say(file, Undo(B)) == Same(A, B)
    assert not file.exists()


@pytest.mark.parametrize(
    "written",
    [
        f"# mine\ndifferent:\n  # looked\n  - [{A[:8]}, {B}]   # sure\n  - [{C}, {A}]\nkeep: [{C}]\n",
        f"different: [[{B}, {A}], [{C}, {A}]]\nsame:\n",
        f"{{different: [[{B[:9]}, {A}], [{C}, {A}]], keep: [{C}]}}",
        f"different:\r\n- [{A}, {B}]\r\n- [{C}, {A}]",
    ],
)
def test_what_stands_there_becomes_a_comment_and_comes_back(file, written):
    file.write_bytes(written.encode())
    before = load_overrides(file, CLASSES)
    say(file, Same(A, B))
    assert pairs(file) == {"same": [(A, B)], "different": [(C, A)]}
    assert load_overrides(file, CLASSES).copies.keep == before.copies.keep
    say(file, Undo(said=Same(A, B)))
    assert file.read_bytes() == written.encode()


@pytest.mark.parametrize("decision", [Same(A, B), Same(B, A), Different(C, D)])
def test_what_is_said_already_is_not_written_again(file, decision):
    file.write_text(f"same:\n  - [{A[:9]}, {D}, {B}]\ndifferent: [[{D}, {C}]]\n")
    before = file.stat()
    say(file, decision)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("text", "decision", "message"),
    [
        (f"same: [[{A}, {B}, {C}]]", Different(A, B), "names more pictures than these: change it by hand"),
        (f"same:\n  - - {A}\n    - {B}\n", Different(A, B), "stands on several lines: change it by hand"),
        (f"same: [[{A}, {C}], [{C}, {B}]]", Different(A, B), "under different, and by way of same they are one"),
        (f"different: [[{A}, {C}]]\nsame: [[{B}, {C}]]", Same(A, B), "under different, and by way of same they are"),
        (f"keep: [{A}, {B}]", Same(A, B), "are both under keep, and by way of same they are one picture"),
        ("", Same(A, A), "found aaaaaaaaaaaa twice, expected two pictures"),
        ("", Same(A, "../x"), "expected 8 to 64 hexadecimal digits"),
        ("different: {", Same(A, B), "overrides.yaml:1: is not valid YAML"),
    ],
)
def test_what_cannot_be_written_leaves_the_file_as_it_was(file, text, decision, message):
    file.write_text(text)
    with pytest.raises(OverridesError, match=message):
        say(file, decision)
    assert file.read_text() == text


def test_one_very_decision_is_taken_back_whatever_came_after_it(file):
    say(file, Same(A, B))
    say(file, Label(A, "car"))
    say(file, LeaveOut(C))
    assert say(file, Undo(said=Same(A, B))) == Same(A, B)
    with pytest.raises(OverridesError, match="there is no decision to take back"):
        say(file, Undo(said=Same(A, B)))
    with pytest.raises(OverridesError, match="there is no decision to take back"):
        say(file, Undo(said=Label(A, "tank")))
    assert say(file, Undo(A)) == Label(A, "car")


def test_what_the_file_says_is_looked_at_while_nobody_else_writes(file):
    say(file, Label(A, "car"))
    seen = []

    def refuse(decisions):
        seen.append(decisions.labels.labels)
        raise OverridesError("somebody was faster")

    before = file.read_bytes()
    with pytest.raises(OverridesError, match="somebody was faster"):
        say(file, Label(A, "tank"), check=refuse)
    assert seen == [((A, "car"),)]
    assert file.read_bytes() == before


decisions = st.one_of(
    st.builds(Label, st.sampled_from([A, B, C]), st.sampled_from(CLASSES)),
    st.builds(LeaveOut, st.sampled_from([A, B, C])),
    *(
        st.builds(lambda kind, pair: kind(*pair), st.just(kind), st.permutations([A, B, C, D]).map(lambda p: p[:2]))
        for kind in (Same, Different)
    ),
)
texts = st.sampled_from(
    [
        "",
        "# nothing\n",
        f"same: [[{A}, {B[:8]}]]\nlabels: {{{A}: car}}\n",
        f"{{different: [[{A}, {C}]], leave_out: [{B}]}}",
        f"different:\n- [{C}, {D}] # mine\nleave_out:\n- {A}",
    ]
)


@given(texts, st.lists(decisions, max_size=8))
def test_all_taken_back_the_file_is_what_it_was(tmp_path_factory, text, decisions):
    file = tmp_path_factory.mktemp("pairs") / "overrides.yaml"
    if text:
        file.write_text(text)
    written = 0
    for decision in decisions:
        before = file.read_bytes() if file.exists() else b""
        try:
            say(file, decision)
        except OverridesError:
            assert (file.read_bytes() if file.exists() else b"") == before
        else:
            written += file.read_bytes() != before
    for _ in range(written):
        say(file, Undo())
    assert (file.read_text() if file.exists() else "") == text
