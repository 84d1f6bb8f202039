"""What a person sets: the problem file, presets, the environment. No Dagster, and no file of the data root is read."""
