"""Pages and APIs over HTTP: the predictor's page, and recorded archives replayed. No Dagster, no algorithm."""
