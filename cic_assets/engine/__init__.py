"""Where heavy work runs: one protocol, on the cores of this machine or on a Ray cluster. Knows tasks, not pictures."""

from cic_assets.engine.choice import EngineName, open_engine
from cic_assets.engine.protocol import Engine, EngineError, TaskLostError
from cic_assets.engine.threads import Threads

__all__ = ["Engine", "EngineError", "EngineName", "TaskLostError", "Threads", "open_engine"]
