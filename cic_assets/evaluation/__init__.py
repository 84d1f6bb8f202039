"""What the trained models are worth, and the report that says so."""
