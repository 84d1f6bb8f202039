"""Dagster as a running system: its instance, whole runs, what is out of date, runs that died. No definitions."""
