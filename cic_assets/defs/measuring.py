"""What a step took, beside what it made: for its page in the UI, and for whoever watches over many."""

import functools
import resource
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from dagster import AssetExecutionContext, MaterializeResult

STEP_SECONDS, STEP_CPU_SECONDS = "step seconds", "step CPU seconds"
"""Metadata of all assets; processor time is that of this machine, where what a step started has ended."""

Step = TypeVar("Step", bound=Callable[..., Any])


def measured(step: Step) -> Step:
    """Add to what a step says of its asset how long it took.

    Args:
        step: the body of an asset, which returns a `MaterializeResult`.
    """

    @functools.wraps(step)
    def timed(context: AssetExecutionContext, **others: Any) -> MaterializeResult[None]:
        began, before = time.monotonic(), _cpu_seconds()
        result = step(context, **others)
        took = {
            STEP_SECONDS: round(time.monotonic() - began, 3),
            STEP_CPU_SECONDS: round(_cpu_seconds() - before, 3),
        }
        return cast("MaterializeResult[None]", result._replace(metadata={**(result.metadata or {}), **took}))

    return cast("Step", timed)


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
