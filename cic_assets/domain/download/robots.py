"""X-Robots-Tag: what a host says about the use of a picture.

The header's form is Google's (robots meta tag specification): directives divided by commas, optionally after the name
of the robot that they are meant for; `noai` and `noimageai` are DeviantArt's, and meant for training.
"""

from collections.abc import Iterable

_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


def robots_directives(headers: Iterable[str], robot: str) -> frozenset[str]:
    """The directives, in lower case, that are meant for every robot or for this one.

    Args:
        headers: the values of all X-Robots-Tag headers of an answer.
        robot: our name, in lower case.
    """
    return frozenset(directive for header in headers for directive in _meant_for(header.lower(), robot))


def refusal(headers: Iterable[str], honoured: frozenset[str], robot: str) -> str | None:
    """The first of the honoured directives that an answer's headers have; None if they have none."""
    return min(robots_directives(headers, robot) & honoured, default=None)


def _meant_for(header: str, robot: str) -> Iterable[str]:
    for_us = True
    for part in header.split(","):
        directive = part.strip()
        name, colon, rest = directive.partition(":")
        if colon and name.strip() not in _WITH_VALUE:
            # A robot's name counts for all the directives that follow it.
            for_us = name.strip() in ("*", robot)
            directive = rest.strip()
        if for_us and directive:
            yield directive
