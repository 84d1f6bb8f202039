"""Numbers as a person reads them. No markup."""

from collections.abc import Sequence

UNKNOWN = "n/a"

_MINUTE = 60
_STEP = 1000  # as the original's tables: 1.54 GB, 411 MB
_ROUNDS_UP = 999.5  # to four digits, which `.3g` would write as 1e+03


def percent(share: float | None, digits: int = 1) -> str:
    """`98.5 %`, or n/a where it is undefined. Never rounded to 100 % or 0 % unless it is."""
    if share is None:
        return UNKNOWN
    text = f"{100 * share:.{digits}f}"
    if share < 1 and text == f"{100:.{digits}f}":
        text = f"{100 - 10**-digits:.{digits}f}"
    if share > 0 and text == f"{0:.{digits}f}":
        text = f"{10**-digits:.{digits}f}"
    return f"{text} %"


def interval(edges: Sequence[float]) -> str:
    """`72.8 to 84.1 %`."""
    return f"{100 * edges[0]:.1f} to {100 * edges[1]:.1f} %"


def size(count: float | None) -> str:
    """Bytes as `1.54 GB`; n/a where they were not measured."""
    return UNKNOWN if count is None else _scaled(count, ("B", "kB", "MB", "GB", "TB"))


def amount(count: float) -> str:
    """A large number as `4.3 M`."""
    return _scaled(count, ("", "k", "M", "G"))


def _scaled(count: float, units: Sequence[str]) -> str:
    """Three digits and a unit."""
    for unit in units[:-1]:
        if count < _ROUNDS_UP:
            return f"{count:.3g} {unit}".strip()
        count /= _STEP
    return f"{count:.3g} {units[-1]}"


def duration(seconds: float | None) -> str:
    """`3 min 12 s`; n/a where it was not measured."""
    if seconds is None:
        return UNKNOWN
    if seconds < _MINUTE:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE:02d} min"


def minus(number: int) -> str:
    """A number that is taken away: `-31` with a real minus, or `0`."""
    return f"\N{MINUS SIGN}{number:,}" if number else "0"


def count_of(number: int, one: str, many: str = "") -> str:
    """`1 picture`, `1,303 pictures`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def p_value(value: float) -> str:
    """`0.032`, or `< 0.001`."""
    return "< 0.001" if value < 0.001 else f"{value:.2g}"  # noqa: PLR2004 - as usual in print
