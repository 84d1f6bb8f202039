"""All Dagster definitions: what is in the graph, and when it runs. No algorithm; `build` puts them together."""
