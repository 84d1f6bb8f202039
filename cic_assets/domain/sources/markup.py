"""Words out of the HTML that pages about pictures say them in: nothing of it is kept as it is."""

from contextlib import suppress
from html.parser import HTMLParser
from typing import NamedTuple

LONGEST = 500
_UNSHOWN = frozenset({"style", "script"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


class Words(NamedTuple):
    """What a reader sees, in one line, and the first address that it links to."""

    text: str
    href: str


def words_of(html: str) -> Words:
    """The words of a piece of HTML, without what is not shown; at most `LONGEST` characters."""
    reader = _Reader()
    with suppress(AssertionError):  # of Python's parser, about what no HTML is
        reader.feed(html[: 40 * LONGEST])
        reader.close()
    text = " ".join("".join(reader.pieces).split())
    return Words("".join(letter for letter in text if letter.isprintable())[:LONGEST].strip(), reader.href)


def web_address(href: str) -> str:
    """An address that a reader may be led to: http or https; empty for any other."""
    address = f"https:{href}" if href.startswith("//") else href
    is_web = address.lower().startswith(("https://", "http://"))
    return address if is_web and address.isprintable() and " " not in address and len(address) <= LONGEST else ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.href = ""
        self._hidden: list[str] = []
        """Open elements from the first that is not shown on."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("br", "li", "p", "div", "tr"):
            self.pieces.append(" ")
        if tag in _VOID:
            return
        is_hidden = tag in _UNSHOWN or "display:none" in given.get("style", "").replace(" ", "").lower()
        if self._hidden or is_hidden:
            self._hidden.append(tag)
        elif tag == "a" and not self.href:
            self.href = web_address(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)
