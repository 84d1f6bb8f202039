"""What Dagster loads."""

from cic_assets.config.environment import Environment
from cic_assets.defs.build import build_definitions

defs = build_definitions(Environment.from_variables())
