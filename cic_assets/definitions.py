"""What Dagster loads."""

from cic_assets.build import build_definitions
from cic_assets.environment import Environment

defs = build_definitions(Environment.from_variables().or_sample())
