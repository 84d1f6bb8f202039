"""What a step took is beside what it says of its asset."""

import subprocess
import sys
import time

import pytest
from dagster import Config, DagsterInstance, MaterializeResult, RetryPolicy, asset, materialize

from cic_assets.defs.measuring import STEP_CPU_SECONDS, STEP_SECONDS, measured

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


class Settings(Config):
    name: str = "given"


def metadata_of(definition):
    with DagsterInstance.ephemeral() as instance:
        result = materialize([definition], instance=instance)
        (event,) = result.get_asset_materialization_events()
        return event.materialization.metadata


def test_it_is_added_to_what_the_step_says():
    @asset
    @measured
    def slept(context, config: Settings) -> MaterializeResult[None]:
        """It sleeps."""
        time.sleep(0.2)
        return MaterializeResult(metadata={"name": config.name})

    told = metadata_of(slept)
    assert told["name"].value == "given"
    assert told[STEP_SECONDS].value == pytest.approx(0.2, abs=0.19)
    assert told[STEP_CPU_SECONDS].value < 0.15


def test_processor_time_of_what_it_started_counts():
    @asset
    @measured
    def busy(context) -> MaterializeResult[None]:
        subprocess.run([sys.executable, "-c", BUSY], check=True)
        return MaterializeResult()

    assert metadata_of(busy)[STEP_CPU_SECONDS].value >= 0.3


def test_of_a_step_that_is_tried_again_the_last_time_counts():
    tried = []

    @asset(retry_policy=RetryPolicy(max_retries=1))
    @measured
    def second(context) -> MaterializeResult[None]:
        tried.append(1)
        if len(tried) == 1:
            time.sleep(0.5)
            raise ValueError("once more")
        return MaterializeResult()

    assert metadata_of(second)[STEP_SECONDS].value < 0.4
