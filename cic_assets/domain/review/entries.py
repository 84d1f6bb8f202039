"""One question to a person: which pictures, what speaks for it, what may be answered, and what that decides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cic_assets.domain.overrides import Different, Label, LeaveOut, Said, Same
from cic_assets.storage import content_version


class Queue(StrEnum):
    """What entries are about, in the order in which they are worth a person's time."""

    CONFLICTS = "label_conflicts"
    LABEL_ERRORS = "label_errors"
    OFF_TOPIC = "off_topic"
    COPIES = "copies"
    WRONG = "wrong"


class Answer(StrEnum):
    """What may be answered but for a class."""

    SAME = "same"
    DIFFERENT = "different"
    LEAVE_OUT = "leave_out"


class ReviewError(ValueError):
    """An answer cannot be taken; the message says why."""


class GoneError(ReviewError):
    """An entry is not open any more: decided elsewhere, or its pictures are gone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question.

    Attributes:
        queue: it is in.
        pictures: SHA-256, the one that is decided about in front; of copies the two that were compared.
        copies: SHA-256 of all that are one picture with the first.
        why: what speaks for it, one sentence a line.
        likely: the class that is suggested; empty where none is.
        pair: whether its pictures may be two.
        id: the same as long as it is about the same pictures.
    """

    queue: Queue
    pictures: tuple[str, ...]
    copies: frozenset[str]
    why: tuple[str, ...]
    likely: str = ""
    pair: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.queue}-{content_version(*self.pictures)}")

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What may be answered beside classes, the likeliest first."""
        if self.queue is Queue.COPIES:
            both_at_once = (Answer.LEAVE_OUT,) if self.copies.issuperset(self.pictures) else ()
            return (Answer.SAME, Answer.DIFFERENT, *both_at_once)
        return (Answer.LEAVE_OUT, Answer.DIFFERENT) if self.pair else (Answer.LEAVE_OUT,)

    @property
    def takes_classes(self) -> bool:
        """Whether a class is an answer."""
        return self.queue is not Queue.COPIES

    def decision(self, answer: str, classes: Collection[str]) -> Said:
        """What an answer decides; a class is answered by its name with `class:` before it.

        Raises:
            ReviewError: it is no answer to this.
        """
        kind, _, klass = answer.partition(":")
        if kind == "class" and self.takes_classes and klass in classes:
            return Label(self.pictures[0], klass)
        if answer not in self.answers:
            raise ReviewError(f"{answer[:40]!r} is no answer to this")
        if answer == Answer.LEAVE_OUT:
            return LeaveOut(self.pictures[0])
        return (Same if answer == Answer.SAME else Different)(*self.pictures[:2])


def called(queue: Queue, count: int) -> str:
    """So many entries of a queue, in words."""
    one = count == 1
    return {
        Queue.CONFLICTS: f"{count:,} picture{'' if one else 's'} under two classes",
        Queue.LABEL_ERRORS: f"{count:,} likely label error{'' if one else 's'}",
        Queue.OFF_TOPIC: f"{count:,} picture{'' if one else 's'} of no class",
        Queue.COPIES: f"{count:,} pair{'' if one else 's'} near the limit of a copy",
        Queue.WRONG: f"{count:,} answer{'' if one else 's'} that people called wrong",
    }[queue]


def would_change(queue: Queue, count: int) -> str:
    """What answers to so many entries of a queue may change, in a sentence."""
    one = count == 1
    pictures, pairs = f"{count:,} picture{'' if one else 's'}", f"{count:,} pair{'' if one else 's'}"
    return {
        Queue.CONFLICTS: f"{pictures} {'waits' if one else 'wait'} for a class to come into the data set.",
        Queue.LABEL_ERRORS: f"Up to {pictures} would get another class.",
        Queue.OFF_TOPIC: f"Up to {pictures} would leave the data set.",
        Queue.COPIES: f"Up to {pairs} would become two pictures{'' if one else ' each'}.",
        Queue.WRONG: f"Up to {pictures} would get another class, or leave the data set.",
    }[queue]


def percent(share: float) -> str:
    """A share for a person; never 0 % or 100 %, for nothing here is that sure."""
    return f"{min(max(100 * share, 0.1), 99.9):.1f} %"


def listed(words: Sequence[str]) -> str:
    """Words as one says them."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
