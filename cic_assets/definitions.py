"""What Dagster loads."""

from cic_assets.build import build_definitions

defs = build_definitions()
