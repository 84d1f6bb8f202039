"""What a person decided about pictures, in a file that wins over every measure, for ever."""

from cic_assets.domain.overrides.decisions import (
    Different,
    Kept,
    Label,
    LeaveOut,
    Overrides,
    OverridesError,
    Said,
    Same,
    in_words,
)
from cic_assets.domain.overrides.labels import DecidedGroups, LabelDecisions
from cic_assets.domain.overrides.pictures import Picture, find_picture
from cic_assets.domain.overrides.reading import Decisions, digits_of, load_overrides
from cic_assets.domain.overrides.writing import Decision, Undo, decide

__all__ = [
    "DecidedGroups", "Decision", "Decisions", "Different", "Kept", "Label", "LabelDecisions", "LeaveOut", "Overrides",
    "OverridesError", "Picture", "Said", "Same", "Undo", "decide", "digits_of", "find_picture", "in_words",
    "load_overrides",
]  # fmt: skip
