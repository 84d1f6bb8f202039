"""Where the steps of a run are executed: each in a process of its own."""

from dagster import ExecutorDefinition, multiprocess_executor

PRELOADED = ("cic_assets.defs.build", "dagster._core.storage.sqlite_storage")
"""What each step needs. Not `definitions`, which reads the problem of the environment: a mistake in that would end the
runs of others in the same UI. A private name is among them: a test looks whether it is still there."""

EXECUTOR: ExecutorDefinition = multiprocess_executor.configured(
    {
        # Decoding takes all cores already: more steps at once than two would only cost memory.
        "max_concurrent": 2,
        # What a step needs is loaded once a run, and each step's process forked from there: alone, each would take
        # seconds to load the program, and again to load what Dagster keeps its tables with.
        "start_method": {"forkserver": {"preload_modules": list(PRELOADED)}},
    }
)
