"""Which failures are worth another try."""

from dagster import Backoff, Jitter, RetryPolicy

RETRY_PASSING = RetryPolicy(max_retries=2, delay=10, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
"""For steps that ask somebody outside. Each request was tried several times already: this is for the better part of a
minute of trouble. A failure that will not pass says so itself (`allow_retries=False`) and is not tried again."""
