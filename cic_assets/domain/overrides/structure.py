"""Where in a text of YAML the decisions stand, so that one can be put in or taken out and no other byte changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from cic_assets.domain.overrides.decisions import Different, Label, LeaveOut, OverridesError, Said, Same
from cic_assets.domain.overrides.reading import DIFFERENT, LABELS, LEAVE_OUT, SAME, QuickLoader, picture_name

ONLY_BY_HAND = "is written in a way that only a person can change: decide there by hand"

PAIRS: Mapping[str, type[Same] | type[Different]] = {SAME: Same, DIFFERENT: Different}
"""What is said of two pictures, by section."""

OF_CLASSES = (LABELS, LEAVE_OUT)
"""Sections about the classes of pictures."""

_BREAKS = "\r\n\x85\u2028\u2029"
"""What ends a line, and so a comment, to YAML."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision.

    Attributes:
        section: what it stands under: any but `keep`.
        names: of the pictures, as `picture_name` gives them; under `labels` and `leave_out` one.
        klass: empty but under `labels`.
        start: index of its first character.
        end: index behind its last one.
        in_flow: it is in brackets.
    """

    section: str
    names: tuple[str, ...]
    klass: str
    start: int
    end: int
    in_flow: bool

    @property
    def said(self) -> Said | None:
        """The decision; None where it is about more pictures than are decided at once."""
        if self.section in (SAME, DIFFERENT):
            return PAIRS[self.section](*self.names) if len(self.names) == 2 else None  # noqa: PLR2004 - a pair
        return Label(self.names[0], self.klass) if self.klass else LeaveOut(self.names[0])


class Structure:
    """A valid overrides file's text, and where what is in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            root = yaml.compose(text, Loader=QuickLoader)
        except yaml.YAMLError:  # it was valid until a line was put in
            raise OverridesError(ONLY_BY_HAND) from None
        self._root = root if isinstance(root, yaml.MappingNode) else None
        pairs = self._root.value if self._root else []
        self._sections = {key.value: (key, value) for key, value in pairs}

    @property
    def column(self) -> int:
        """Where the names of sections begin."""
        return self._root.value[0][0].start_mark.column if self._root and self._root.value else 0

    @property
    def opening(self) -> int | None:
        """Index behind the brace that holds all sections; None where there is none."""
        return self._root.start_mark.index + 1 if self._root is not None and self._root.flow_style else None

    def opening_of(self, section: str) -> int | None:
        """Index behind the bracket that a section's entries stand in; None where they stand on lines."""
        value = self._sections[section][1]
        return value.start_mark.index + 1 if getattr(value, "flow_style", None) else None

    def has(self, section: str) -> bool:
        """Whether there is such a section."""
        return section in self._sections

    def entries(self, *sections: str) -> Iterator[Entry]:
        """The decisions of some sections, of all but `keep` unless named, in their order."""
        for section in sections or (*PAIRS, *OF_CLASSES):
            node = self._sections[section][1] if section in self._sections else None
            if isinstance(node, yaml.CollectionNode):
                for item in node.value:
                    key, value = item if isinstance(item, tuple) else (item, None)
                    named = key.value if isinstance(key, yaml.SequenceNode) else [key]
                    yield Entry(
                        section=section,
                        names=tuple(picture_name(one.value) for one in named),
                        klass=value.value if value else "",
                        start=key.start_mark.index,
                        end=(value or key).end_mark.index,
                        in_flow=bool(node.flow_style),
                    )

    def extent(self, section: str) -> str:
        """The text from the name of a section to that of the next one."""
        start = self._sections[section][0].start_mark.index
        others = [key.start_mark.index for key, _ in self._sections.values()]
        return self.text[start : min((one for one in others if one > start), default=len(self.text))]

    def last_line(self, section: str) -> int:
        """Index of the end of the line on which a section ends."""
        ends = [entry.end for entry in self.entries(section)]
        return self.line_end(max(ends) if ends else self._sections[section][0].end_mark.index)

    def indent(self, section: str) -> str:
        """What stands before an entry of a section, with the dash of a list."""
        first = next(self.entries(section), None)
        if first is not None and not first.in_flow:
            return self.text[self.line_start(first.start) : first.start]
        return " " * (self.column + 2) + ("" if section == LABELS else "- ")

    def line_start(self, index: int) -> int:
        """Index of the first character of a line."""
        return max(self.text.rfind(one, 0, index) for one in _BREAKS) + 1

    def line_end(self, index: int) -> int:
        """Index of the break that ends a line, or of the end of the text."""
        return min((at for one in _BREAKS if (at := self.text.find(one, index)) >= 0), default=len(self.text))
