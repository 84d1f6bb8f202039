"""Where heavy work runs: one protocol, on the cores of this machine. Knows tasks, not pictures."""

from cic_assets.engine.protocol import Engine
from cic_assets.engine.threads import Threads

__all__ = ["Engine", "Threads"]
