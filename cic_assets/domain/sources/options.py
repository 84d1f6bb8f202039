"""What may be said of a source beside its name: the options of open sources, and the names that they take."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cic_assets.domain.sources.periods import is_period

WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
"""Widths that Wikimedia makes thumbnails of; others it refuses (w.wiki/GHai)."""

ORIGINAL = "original"
MOST_RESULTS = 240
"""Openverse shows whoever has no key of its own so many results of a search, and no more."""

MOST_LETTERS = 60
"""Of a name that tables are called by."""

_OPTION = re.compile(r"\|([A-Za-z_]+)=([^|]*)")
_NO_TITLE = re.compile(r"[#<>\[\]|{}\x00-\x1f\x7f]")
_LONGEST_TITLE, _LONGEST_QUERY = 240, 200
_NAMED_FREELY = frozenset({"commons", "inat", "openverse"})


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        default: where it is not given.
        expected: in words.
        pattern: what it may be.
        most: where it is a number.
        check: whether what the pattern lets through may be.
    """

    default: str
    expected: str
    pattern: str = r"\d{1,6}"
    most: int = 0
    check: Callable[[str], bool] = lambda _setting: True


_LIMIT = Option("10000", "a number of files, at most 100000", r"[1-9]\d{0,5}", 100_000)

_TEXT = r"[^\x00-\x1f\x7f]"
_DAY = r"\d{4}(-\d\d(-\d\d)?)?"
_PERIOD = "a year, month or day, such as 2023, 2023-05 or 2023-05-17"
_POSTS: Mapping[str, Option] = {
    "flair": Option("", "the flair that its posts have, at most 100 letters", f"{_TEXT}{{1,100}}"),
    "since": Option("", _PERIOD, _DAY, check=is_period),
    "until": Option("", _PERIOD, _DAY, check=is_period),
    "limit": Option("", "a number of posts, at most 1000000", r"[1-9]\d{0,6}", 1_000_000),
    "stills": Option("false", "true or false", "true|false"),
}

OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "r": {
        **_POSTS,
        "search": Option("", "what Reddit's search is asked for, at most 500 letters", f"{_TEXT}{{1,500}}"),
    },
    "u": _POSTS,
    "user": _POSTS,
    "dump": {**_POSTS, "subreddit": Option("", "the name of a subreddit, without r/", r"[A-Za-z0-9_-]{2,24}")},
    "commons": {
        "depth": Option("0", "how many levels of subcategories, 0 to 5", most=5),
        "width": Option(
            "1280",
            f"a width that Wikimedia makes, {', '.join(map(str, WIDTHS))}, or {ORIGINAL}",
            "|".join([*map(str, WIDTHS), ORIGINAL]),
        ),
        "limit": _LIMIT,
    },
    "inat": {"limit": Option("2000", "a number of photos, at most 50000", r"[1-9]\d{0,4}", 50_000)},
    "openverse": {
        "limit": Option(
            str(MOST_RESULTS), f"a number of pictures, at most {MOST_RESULTS}", r"[1-9]\d{0,2}", MOST_RESULTS
        )
    },
}
"""The options of each kind of source by name."""


_SLASHED = re.compile(r"(r|u|user)/")
"""How sources at Reddit begin, as people write them there."""


def split_kind(text: str) -> tuple[str, str, str]:
    """`commons:Tanks` or `r/tanks` as its kind, what parts them, and its name."""
    return text.partition("/" if _SLASHED.match(text) else ":")


def write_source(kind: str, name: str, options: Sequence[tuple[str, str]]) -> str:
    """A source in one line; of what its options say the bars are escaped, which begin the next option."""
    written = "".join(f"|{option}={setting.replace('%', '%25').replace('|', '%7C')}" for option, setting in options)
    return f"{kind}{'/' if _SLASHED.fullmatch(f'{kind}/') else ':'}{name}{written}"


def split_options(text: str) -> tuple[str, list[tuple[str, str]]]:
    """`commons:Tanks|depth=1` as its name and its options; of what has none, the text as it is."""
    match = re.fullmatch(rf"(.*?)((?:{_OPTION.pattern})*)", text, re.DOTALL)
    if split_kind(text)[0] not in OPTIONS or match is None:
        return text, []
    found = _OPTION.findall(match[2])
    return match[1], [(name, setting.replace("%7C", "|").replace("%25", "%").strip()) for name, setting in found]


def without_filters(written: str) -> str:
    """A source as it is written, without the options that each row of its table is judged by anew.

    Its flair stays, by which it is called: another one's table is of the same name by mistake alone.
    """
    return "|".join(part for part in written.split("|") if part.partition("=")[0] not in _POSTS.keys() - {"flair"})


def checked_options(kind: str, name: str, options: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Options as they are kept: those that are not the default, in the order of the alphabet.

    Raises:
        ValueError: there is no such option, or it cannot be set so, or what it is about has no such name.
    """
    known = OPTIONS.get(kind, {})
    if kind == "commons" and (not category_name(name) or _NO_TITLE.search(name) or len(name) > _LONGEST_TITLE):
        raise ValueError("expected commons: and the name of a category, such as commons:Tanks")
    if len(name) > _LONGEST_QUERY and kind in _NAMED_FREELY:
        raise ValueError(f"expected at most {_LONGEST_QUERY} characters")
    given: dict[str, str] = {}
    for option, setting in options:
        if option not in known:
            raise ValueError(f"{option} is no option of {kind}: expected {', '.join(known)}")
        if option in given:
            raise ValueError(f"{option} is given twice")
        rule = known[option]
        fits = re.fullmatch(rule.pattern, setting, re.ASCII) and not (rule.most and int(setting) > rule.most)
        if not fits or not rule.check(setting):
            raise ValueError(f"{option}: found {setting!r}, expected {rule.expected}")
        given[option] = setting
    return tuple(sorted((option, setting) for option, setting in given.items() if setting != known[option].default))


def category_name(value: str) -> str:
    """A category's name as Commons writes it: without `Category:`, with spaces, its first letter a capital."""
    name = " ".join(re.sub(r"^\s*category\s*:", "", value.replace("_", " "), flags=re.IGNORECASE).split())
    return name[:1].upper() + name[1:]
