"""Which failures are worth another try."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from dagster import AssetExecutionContext, Backoff, Jitter, RetryPolicy, RetryRequested

from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.sources import TakedownGuard

Step = TypeVar("Step", bound=Callable[..., Any])

RETRY_PASSING = RetryPolicy(max_retries=2, delay=10, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
"""For steps that ask somebody outside. Each request was tried several times already: this is for the better part of a
minute of trouble. A failure that will not pass says so itself (`allow_retries=False`) and is not tried again."""

_AGAIN = 100
"""Take-downs come a few times a day; purges in a loop are not to hold up a step for ever."""


def again_if_taken_down(step: Step) -> Step:
    """Do a step again that failed while something was taken down: a picture was gone, or `TakedownGuard` kept it back.

    Args:
        step: the body of an asset, with the parameters `context` and `data`.
    """

    @functools.wraps(step)
    def guarded(context: AssetExecutionContext, data: DataRootResource, **others: Any) -> Any:
        guard = TakedownGuard(data.root, context.log.info)
        try:
            return step(context, data=data, **others)
        except Exception as error:
            if not guard.is_broken:
                raise
            # Its message may name what was taken down, and the event log is kept for good.
            context.log.warning(f"Something was taken down meanwhile: once more ({type(error).__name__})")
            raise RetryRequested(max_retries=_AGAIN) from None

    return cast("Step", guarded)
