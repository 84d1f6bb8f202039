"""Dagster's pools: what takes all of something is limited over all runs of an instance.

One at a time where dagster.yaml says nothing else; a limit of the executor holds within one run only. Scrapes and
decodes have none: a step that begins to wait at the very moment in which another run gives a place back is forgotten by
Dagster 1.13, until somebody else of the pool ends. Trainings are few, and `cic run` waits for a place before it starts.
"""

GPU = "gpu"
"""Training: two at once on one GPU, or one CPU, gain nothing and can run out of memory together."""
