"""Dagster's pools: steps that take all of something are limited over all runs of an instance, each in its pool.

One at a time where dagster.yaml says nothing else; a limit of the executor holds within one run only.
"""

HOSTS = "hosts"
"""Asking other people's servers: what one scrape may open to a host, several at once would open several times."""

DECODING = "decoding"
"""Decoding pictures on all cores: several at once would take as long, and several times the memory."""

THREADS = 2
"""Of a step that decodes, on this machine: of the largest pictures each takes a GB."""

GPU = "gpu"
"""Training: two at once on one GPU, or one CPU, gain nothing and can run out of memory together."""
