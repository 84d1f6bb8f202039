"""Text that files can hold."""


def storable_text(text: str) -> str:
    """Text without lone surrogates, readable.

    JSON can hold them, and names of files that are not UTF-8 have them; UTF-8 and so Parquet cannot.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
