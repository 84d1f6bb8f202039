"""The engine that somebody chose, by its name."""

from typing import Literal

from cic_assets.engine.protocol import Engine
from cic_assets.engine.threads import Threads

EngineName = Literal["local", "ray"]


def open_engine(name: EngineName, workers: int | None = None, *, takes_part: bool = False) -> Engine:
    """An engine; nothing of Ray is imported unless it is asked for.

    Args:
        name: `local`, the threads of this process, or `ray`, the cluster that Ray's own variable RAY_ADDRESS names, or
            else the one that this machine is a node of.
        workers: threads, of the local one; as many as there are processors unless told.
        takes_part: on `ray`, that this process has a processor of the cluster to itself, and works too.

    Raises:
        EngineError: Ray is not installed.
    """
    if name == "local":
        return Threads(workers)
    from cic_assets.engine.ray import OnRay

    return OnRay(takes_part=takes_part)
