"""What goes wrong with data sets."""


class DatasetError(ValueError):
    """A data set cannot be built or exported, or is not what it says it is; the message says what to do."""
