import pytest

from cic_assets.domain.overrides import Decisions, Kept, LabelDecisions, Overrides, OverridesError, load_overrides

A, B, C, D = (letter * 64 for letter in "abcd")


@pytest.fixture
def load(tmp_path):
    def write_and_load(text, classes=None):
        path = tmp_path / "overrides.yaml"
        path.write_text(text, encoding="utf-8")
        return load_overrides(path, classes)

    return write_and_load


def test_no_file_and_an_empty_one_hold_no_decisions(load, tmp_path):
    assert load_overrides(tmp_path / "none.yaml") == Decisions()
    assert (
        load("")
        == load("# nothing yet\n")
        == load("---\n")
        == load("same:\nkeep:\nlabels:\nleave_out:\n")
        == Decisions()
    )


def test_all_sections(load):
    decisions = load(
        f"""
        same:
          - [{A}, {B[:8]}, {C}]
        different:
          - [{A}, {D}]
        keep:
          - {D.upper()}
          - 12345678
          - {{sha256: {A[:12]}…, subreddit: tanks}}
        labels:
          {B.upper()}: tank
          1e234567: "yes"
        leave_out:
          - {C[:8]}…
          - {C[:8]}
        """
    )
    overrides = decisions.copies
    assert overrides.same == ((A, B[:8], C),)
    assert overrides.different == ((A, D),)
    assert overrides.keep == (Kept(D), Kept("12345678"), Kept(A[:12], "tanks"))
    assert decisions.labels == LabelDecisions((("1e234567", "yes"), (B, "tank")), (C[:8],))


def test_the_order_in_which_labels_are_written_says_nothing(load):
    one = load(f"labels: {{{A}: car, {B}: tank}}\nleave_out: [{C}, {D}]")
    assert one == load(f"leave_out:\n- {D}\n- {C}\nlabels:\n  {B}: tank\n  {A}: car\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", r"found \['a'\], expected the keys same, different, keep"),
        ("sames: []", "sames is not a section: expected same, different, keep"),
        ("same: yes", "same: found 'yes', expected a list"),
        (f"same: [[{A}]]", "same.0: found .*, expected a list of 2 or more pictures"),
        (f"same: [[{A}, {A}]]", "same.0: found one picture twice"),
        (f"different: [[{A}, {B}], [{A}, {B}, {C}]]", "different.1: found .*, expected a list of 2 pictures"),
        ("different: [[tank.jpg, car.jpg]]", "different.0: found 'tank.jpg', expected 8 to 64 hexadecimal digits"),
        ("keep: [abc]", "keep.0: found 'abc', expected 8 to 64 hexadecimal digits"),
        (f"keep: [[{A}]]", "keep.0: found .*, expected 8 to 64"),
        (f"keep: [{{sha256: {A}}}]", "keep.0: found .*, expected a SHA-256, or sha256: and subreddit:"),
        (f"labels: [{A}]", r"labels: found .*, expected pictures, each with its class"),
        ("labels: {abc: car}", "labels.abc: found 'abc', expected 8 to 64 hexadecimal digits"),
        (f"labels: {{{A}: plane}}", f"labels.{A}: found 'plane', expected one of car, tank"),
        (f"labels: {{{A}: [car]}}", rf"labels.{A}: found \['car'\], expected one of car, tank"),
        (f"labels: {{{A}: }}", f"labels.{A}: found '', expected one of car, tank"),
        (f"labels: {{{A}: car, {A.upper()}: tank}}", f"labels.{A.upper()}: found one picture twice, as car and tank"),
        (f"labels: {{{A}: car}}\nleave_out: [{A}]", f"labels.{A}: is under leave_out too, expected one of them"),
        (f"leave_out: {A}", "leave_out: found .*, expected a list"),
        ("leave_out: [{}]", "leave_out.0: found {}, expected 8 to 64"),
        (f"labels:\n  {A}: car\n  {A}: car", f"overrides.yaml:3: is not valid YAML: key '{A}' is given twice"),
        ("same: [", r"overrides.yaml:1: is not valid YAML"),
        ("same: []\nsame: []", r"overrides.yaml:2: is not valid YAML: key 'same' is given twice"),
    ],
)
def test_mistakes_are_named(load, text, message):
    with pytest.raises(OverridesError, match=message) as raised:
        load(text, ["car", "tank"])
    assert all("overrides.yaml" in line for line in str(raised.value).splitlines())


def test_every_mistake_has_its_line(load):
    with pytest.raises(OverridesError) as raised:
        load("keep: [abc, def]\nsame: 3")
    assert len(str(raised.value).splitlines()) == 3


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "o.yaml").write_bytes(b"\xff\xfe\x00same")
    with pytest.raises(OverridesError, match="cannot be read as UTF-8 text"):
        load_overrides(tmp_path / "o.yaml")


def test_resolved_to_whole_names_without_what_is_gone():
    overrides = Overrides(same=((A[:9], B, C),), different=((A, D),), keep=(Kept(B[:8], "x"), Kept(D)))
    resolved = overrides.resolved([A, B])
    assert resolved == Overrides(same=((A, B),), keep=(Kept(B, "x"),))


def test_digits_of_several_pictures_are_refused():
    with pytest.raises(OverridesError, match="aaaaaaaa begins 2 pictures: give more digits"):
        Overrides(keep=(Kept("aaaaaaaa"),)).resolved([A, "a" * 63 + "b"])


@pytest.mark.parametrize(
    "overrides",
    [
        Overrides(same=((A, B), (B, C)), different=((A, C),)),
        Overrides(same=((A, B), (B, C)), keep=(Kept(A), Kept(C))),
    ],
)
def test_contradictions_are_refused(overrides):
    with pytest.raises(OverridesError, match="by way of same they are one picture"):
        overrides.resolved([A, B, C])


def test_sets_that_share_a_picture_are_one():
    groups = Overrides(same=((A, B), (C, D), (B, C))).same_groups()
    assert groups == [frozenset({A, B, C, D})]
