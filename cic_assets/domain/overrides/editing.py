"""Putting a decision into the text of an overrides file, and taking it back to the byte.

Only something is put in, nothing that stands there is taken out: a line of its own for the decision, and before what it
goes against a few words that make a comment of it. All of it is marked, and goes again when the decision is taken back.
"""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from cic_assets.domain.overrides.decisions import Label, LeaveOut, OverridesError, Said, Same
from cic_assets.domain.overrides.reading import DIFFERENT, LABELS, LEAVE_OUT, SAME
from cic_assets.domain.overrides.resolving import are_about, may_be_one
from cic_assets.domain.overrides.structure import OF_CLASSES, PAIRS, Entry, Structure

_BREAK = r"(?:\r\n|\n)"
_LINE_START = r"(?<![^\r\n\x85\u2028\u2029])"
_BEGUN = "  # begun by cic decide"
_WAS = ", was:"
_MARK = r"# decision {number}, by [^,\r\n]*, [0-9T:+-]+"
_ANY_MARK = _MARK.replace("{number}", r"\d+")
_ENTRY = r"(?P<entry>[0-9a-f]+(?:: [^\s,]+)?|\[[0-9a-f]+, [0-9a-f]+\])"
_ON_LINE = _LINE_START + r"[ \t]*(?:- *)?" + _ENTRY + "  " + _MARK + rf"(?={_BREAK}|\Z)"
_IN_FLOW = _BREAK + r"(?P<indent> +)" + _ENTRY + ",  " + _MARK + _BREAK + r"(?P=indent)"
_BY_LENGTH = 60


def record(text: str, decision: Said, copies: Collection[str], by: str, at: datetime) -> str:
    """The text with a decision in it, which goes before those about copies; the same text where it says so already.

    Raises:
        OverridesError: what goes against it is written in a way that only a person can change.
    """
    section, entry = _written(decision)
    at_text = Structure(text)
    about = [one for one in at_text.entries() if concerns(decision, copies, one.section, one.names)]
    if about and all(is_said(decision, one.section, one.klass) for one in about):
        return text
    against = [one for one in about if section in OF_CLASSES or one.section != section]
    numbers = [int(found) for found in re.findall(r"# decision (\d+), by ", text)]
    mark = f"# decision {max(numbers, default=0) + 1}, by {_plain(by)}, {at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00"
    for one in sorted(against, key=lambda one: one.start, reverse=True):
        at_text = Structure(_made_a_comment(at_text, one, mark))
    return _with_entry(_with_section(at_text, section), section, entry, mark)


def concerns(decision: Said, copies: Collection[str], section: str, names: Iterable[str]) -> bool:
    """Whether what stands in a section about some pictures is about the same as a decision."""
    if isinstance(decision, Label | LeaveOut):
        about = {decision.sha256, *copies}
        return section in OF_CLASSES and any(may_be_one(name, one) for name in names for one in about)
    return section in PAIRS and are_about(names, (decision.one, decision.other))


def is_said(decision: Said, section: str, klass: str) -> bool:
    """Whether what stands in a section is what a decision says, if it is about the same."""
    return (_written(decision)[0], decision.klass if isinstance(decision, Label) else "") == (section, klass)


def _written(decision: Said) -> tuple[str, str]:
    """The section of a decision, and what stands there."""
    if isinstance(decision, Label):
        return LABELS, f"{decision.sha256}: {decision.klass}"
    if isinstance(decision, LeaveOut):
        return LEAVE_OUT, decision.sha256
    return SAME if isinstance(decision, Same) else DIFFERENT, f"[{decision.one}, {decision.other}]"


def take_back(text: str, sha256: str | None = None, said: Said | None = None) -> tuple[str, Said]:
    """The text without the latest decision, about one picture or of this very one where given; and which that was.

    Raises:
        OverridesError: there is none.
    """
    decisions = {entry.start: entry.said for entry in Structure(text).entries()}
    made = {
        int(found["number"]): (found, decision)
        for pattern in (_ON_LINE, _IN_FLOW)
        for found in re.finditer(pattern.replace("{number}", r"(?P<number>\d+)"), text)
        if (decision := decisions.get(found.start("entry"))) and said in (None, decision)
        if any(may_be_one(name, sha256 or "") for name in pictures_of(decision))
    }
    if not made:
        raise OverridesError("there is no decision to take back" + (f" about {sha256[:12]}" if sha256 else ""))
    number, (found, decision) = max(made.items(), key=lambda one: one[0])
    mark = _MARK.replace("{number}", str(number))
    text = _without_line(text, *found.span()) if "indent" not in found.groupdict() else _cut(text, *found.span())
    text = re.sub(_LINE_START + mark + _WAS, "", text)
    text = re.sub(rf"{_BREAK}(?P<indent> +){mark}{_WAS}(?P<was>[^\r\n]*){_BREAK}(?P=indent)", r"\g<was>", text)
    for section in (*PAIRS, *OF_CLASSES):
        text = _without_empty(text, section)
    return text, decision


def pictures_of(decision: Said) -> tuple[str, ...]:
    """Which pictures a decision is about."""
    return (decision.sha256,) if isinstance(decision, Label | LeaveOut) else (decision.one, decision.other)


def _plain(by: str) -> str:
    """A name that ends no comment, on one line."""
    words = "".join(letter if letter.isprintable() and letter != "," else " " for letter in by).split()
    return " ".join(words)[:_BY_LENGTH].strip() or "somebody"


def _made_a_comment(at: Structure, entry: Entry, mark: str) -> str:
    if entry.said is None:
        raise OverridesError(f"{_named(entry)} names more pictures than these: change it by hand")
    start, end = at.line_start(entry.start), at.line_end(entry.end)
    before, after = at.text[start : entry.start], at.text[entry.end : end]
    if at.line_end(entry.start) != end:
        raise OverridesError(f"{_named(entry)} stands on several lines: change it by hand")
    if re.fullmatch(r"\s*(?:-\s+)?", before) and re.fullmatch(r"\s*,?\s*(?:#.*)?", after):
        return f"{at.text[:start]}{mark}{_WAS}{at.text[start:]}"
    if not entry.in_flow:
        raise OverridesError(f"{_named(entry)} does not stand on a line of its own: change it by hand")
    comma = re.match(r"\s*,", after)
    behind = entry.end + (comma.end() if comma else 0)
    pause = _pause(at)
    return f"{at.text[: entry.start]}{pause}{mark}{_WAS}{at.text[entry.start : behind]}{pause}{at.text[behind:]}"


def _named(entry: Entry) -> str:
    return f"{entry.section}.{entry.names[0]}"


def _with_section(at: Structure, section: str) -> Structure:
    if at.has(section):
        return at
    if (opening := at.opening) is None:
        return Structure(_with_line(at.text, len(at.text), f"{' ' * at.column}{section}:{_BEGUN}"))
    pause, empty = _pause(at), "{}" if section == LABELS else "[]"
    return Structure(f"{at.text[:opening]}{pause}{section}: {empty},{_BEGUN}{pause}{at.text[opening:]}")


def _with_entry(at: Structure, section: str, entry: str, mark: str) -> str:
    if (opening := at.opening_of(section)) is None:
        return _with_line(at.text, at.last_line(section), f"{at.indent(section)}{entry}  {mark}")
    return f"{at.text[:opening]}{_pause(at)}{entry},  {mark}{_pause(at)}{at.text[opening:]}"


def _pause(at: Structure) -> str:
    """A break inside of brackets."""
    return _break_of(at.text) + " " * (at.column + 4)


def _break_of(text: str) -> str:
    found = re.search(_BREAK, text)
    return found[0] if found else "\n"


def _with_line(text: str, line_end: int, line: str) -> str:
    """A line behind another. Where the last line of a text is not ended, the new last one is not either."""
    if found := re.compile(_BREAK + "|[\r\x85\u2028\u2029]").match(text, line_end):
        return f"{text[: found.end()]}{line}{_break_of(text)}{text[found.end() :]}"
    is_ended = not text or text[-1] in "\r\n\x85\u2028\u2029"
    return f"{text}{line}{_break_of(text)}" if is_ended else f"{text}{_break_of(text)}{line}"


def _without_line(text: str, start: int, end: int) -> str:
    """Without a line and the break that was put in with it."""
    if found := re.compile(_BREAK).match(text, end):
        return _cut(text, start, found.end())
    before = re.search(_BREAK + r"\Z", text[:start])
    return _cut(text, before.start() if before else start, end)


def _cut(text: str, start: int, end: int) -> str:
    return text[:start] + text[end:]


def _without_empty(text: str, section: str) -> str:
    """Without a section that was begun here and holds nothing any more, nor what may come back to it."""
    at = Structure(text)
    if not at.has(section) or any(at.entries(section)) or re.search(_ANY_MARK + _WAS, at.extent(section)):
        return text
    if found := re.search(rf"{_LINE_START} *{section}:{_BEGUN}(?={_BREAK}|\Z)", text):
        return _without_line(text, *found.span())
    in_flow = rf"{_BREAK}(?P<indent> +){section}: (?:{{}}|\[\]),{_BEGUN}{_BREAK}(?P=indent)"
    return re.sub(in_flow, "", text)
