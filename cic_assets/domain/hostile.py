"""Text and links that anybody on the internet wrote, made fit for a page. Escaping is the template's business."""

import unicodedata
from urllib.parse import urlsplit

MAX_TITLE = 120

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def plain_text(text: object, limit: int = MAX_TITLE) -> str:
    """One line without control, formatting and direction-changing characters, of at most `limit` characters.

    A title may hold characters that turn the text around it (U+202E), or run to thousands of characters.
    """
    visible = "".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in str(text)[: 4 * limit])
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def safe_link(url: object) -> str:
    """The URL if it is an absolute http(s) one with a host and nothing to mislead by, else an empty string."""
    text = str(url)
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises where it is not a number
    except ValueError:
        return ""
    is_clean = text.isascii() and text.isprintable() and not set(text) & set(" \\<>\"'`")
    return text if is_clean and parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""
