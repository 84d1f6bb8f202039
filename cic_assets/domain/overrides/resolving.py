"""From the first digits of pictures to the pictures that are meant."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

_AFTER_DIGITS = "g"


def may_be_one(one: str, other: str) -> bool:
    """Whether two names, of which one may be the first digits alone, can be those of one picture."""
    return one.startswith(other) or other.startswith(one)


def are_about(names: Iterable[str], pair: tuple[str, str]) -> bool:
    """Whether both pictures of a pair can be among some that are named."""
    listed = list(names)
    return all(any(may_be_one(name, one) for name in listed) for one in pair)


class Resolver:
    """From first digits to the one picture that has them."""

    def __init__(self, sha256s: Iterable[str]) -> None:
        self._known = sorted(set(sha256s))
        self.mistakes: list[str] = []

    def all_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The pictures that are there, each once, in order."""
        return tuple(dict.fromkeys(whole for name in names if (whole := self._one(name)) is not None))

    def _one(self, name: str) -> str | None:
        first, end = (bisect_left(self._known, text) for text in (name, name + _AFTER_DIGITS))
        if end - first > 1:
            self.mistakes.append(f"{name} begins {end - first} pictures: give more digits")
            return None
        return self._known[first] if first < end else None
