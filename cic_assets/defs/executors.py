"""Where the steps of a run are executed: each in a process of its own."""

from dagster import ExecutorDefinition, multiprocess_executor

EXECUTOR: ExecutorDefinition = multiprocess_executor.configured(
    {
        # Decoding takes all cores already: more steps at once than two would only cost memory.
        "max_concurrent": 2,
        # What a step needs is loaded once a run, and each step's process forked from there: alone, each would take
        # seconds to load the program, and again to load what Dagster keeps its tables with. Not `definitions`: it
        # reads the problem of the environment, in which a mistake would end the runs of others in the same UI.
        "start_method": {
            "forkserver": {"preload_modules": ["cic_assets.defs.build", "dagster._core.storage.sqlite_storage"]}
        },
    }
)
