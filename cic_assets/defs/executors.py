"""Where the steps of a run are executed: each in a process of its own."""

from typing import Any

from dagster import ExecutorDefinition, Field, IntSource, multiprocess_executor

PRELOADED = ("cic_assets.defs.build", "dagster._core.storage.sqlite_storage")
"""What each step needs. Not `definitions`, which reads the problem of the environment: a mistake in that would end the
runs of others in the same UI. A private name is among them: a test looks whether it is still there."""


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """What Dagster's own executor is set to, by what a person set.

    What a step needs is loaded once a run, and each step's process forked from there: alone, each would take seconds to
    load the program, and again to load what Dagster keeps its tables with.
    """
    return {**given, "start_method": {"forkserver": {"preload_modules": list(PRELOADED)}}}


EXECUTOR: ExecutorDefinition = multiprocess_executor.configured(
    _settings,
    config_schema={
        "max_concurrent": Field(
            IntSource,
            default_value=2,
            description="steps of one run that are at work at once; pools limit those of all runs",
        )
    },
)
"""With `execution: {config: {max_concurrent: 1}}` in the launchpad steps of a run take turns."""
