"""Which executor a person chose, and what it makes of a step's tags."""

import json
import os
import subprocess
import sys

import pytest

from cic_assets.config.environment import Environment, EnvironmentVariableError
from cic_assets.defs.executors import EXECUTOR, executor_of


def test_one_machine_has_its_own():
    assert executor_of(Environment()) is EXECUTOR


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cic_assets.defs.ray_executor", None)
    with pytest.raises(EnvironmentVariableError, match=r"pip install 'cic-assets\[ray\]'"):
        executor_of(Environment(executor="ray"))


TWO_STEPS = """
import json, sys
from dagster import DagsterInstance, execute_job, job, op, reconstructable
from ray.util.state import list_actors
from cic_assets.config.environment import Environment
from cic_assets.defs.placement import needs
from cic_assets.defs.ray_executor import ray_executor

@op(tags=needs(memory=2, gpus=1))
def train():
    pass

@op
def wait():
    pass

@job(executor_def=ray_executor(Environment.from_variables()))
def two_steps():
    train()
    wait()

def supervisors():
    return list_actors(filters=[("class_name", "=", "JobSupervisor")], detail=True, limit=10_000)

def main():
    before = {one.actor_id for one in supervisors()}
    with DagsterInstance.local_temp(sys.argv[1]) as instance:
        assert execute_job(reconstructable(two_steps), instance).success
    asked = [one.required_resources for one in supervisors() if one.actor_id not in before]
    json.dump(asked, open(sys.argv[1] + "/asked.json", "w"))
"""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("device", "gpus"), [("gpu", {"GPU": 1.0}), ("auto", {})])
def test_processor_memory_and_gpu_of_a_step_arrive_at_ray(device, gpus, ray_cluster, tmp_path):
    (tmp_path / "two_steps.py").write_text(TWO_STEPS)
    variables = {**os.environ, **ray_cluster.variables, "CIC_DEVICE": device}
    command = [sys.executable, "-c", "import two_steps; two_steps.main()", str(tmp_path)]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert sorted(asked, key=len) == [{}, {"CPU": 1.0, "memory": 2.0 * 2**30, **gpus}]
