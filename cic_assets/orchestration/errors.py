"""What keeps commands from working with Dagster. Importing this does not import Dagster."""


class InstanceError(Exception):
    """There is no instance to work with now; the message says why, and what to do."""
