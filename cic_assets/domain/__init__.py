"""What the program knows: pictures, posts, models and numbers. No Dagster, no command line, no web server."""
