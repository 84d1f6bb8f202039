"""What a training cost: time, memory, arithmetic. Standard library; a Keras model is looked at, not imported."""

import math
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_MACS_OF_KERNEL = ("Conv2D", "Dense", "DepthwiseConv2D")


def peak_rss_bytes() -> int:
    """The most memory that this process held at once; Linux counts it in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(slots=True)
class Stopwatch:
    """Wall and CPU seconds since it was made, and those added; CPU seconds are of all threads of this process."""

    wall_start: float = field(default_factory=time.perf_counter)
    cpu_start: float = field(default_factory=time.process_time)

    def add(self, wall: float, cpu: float) -> None:
        """Count seconds of before, too."""
        self.wall_start -= wall
        self.cpu_start -= cpu

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Counts nothing while the block lasts."""
        wall, cpu = self.wall, self.cpu
        yield
        self.add(wall - self.wall, cpu - self.cpu)

    @property
    def wall(self) -> float:
        """Seconds on the clock."""
        return time.perf_counter() - self.wall_start

    @property
    def cpu(self) -> float:
        """Seconds of work, over all cores."""
        return time.process_time() - self.cpu_start


def flops(model: Any) -> int:
    """Floating-point operations for one picture forward through a Keras model.

    Convolutions and dense layers, two operations (multiply, add) a weight and position; the rest is a few per cent.
    """
    return 2 * sum(_multiply_adds(layer) for layer in model.layers)


def _multiply_adds(layer: Any) -> int:
    kind = type(layer).__name__
    if hasattr(layer, "layers"):  # a model within the model
        return sum(map(_multiply_adds, layer.layers))
    if kind == "SeparableConv2D":
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif kind in _MACS_OF_KERNEL:
        kernels = [layer.kernel]
    else:
        return 0
    positions = math.prod(layer.output.shape[1:-1])
    return int(positions * sum(math.prod(kernel.shape) for kernel in kernels))
