"""What is said when a source cannot be read."""


class SourceError(ValueError):
    """A source cannot be read; the message names it, what was found and what was expected.

    Attributes:
        passing: whether trying again later may help.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class AllowanceUsedError(SourceError):
    """What may be asked of a site in a day is asked."""
