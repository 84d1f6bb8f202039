"""What a run's steps are forked from, and how many of them are at work at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dagster import DagsterInvalidConfigError, validate_run_config
from dagster._core.system_config.objects import ResolvedRunConfig

from cic_assets.defs.build import build_definitions
from cic_assets.defs.executors import PRELOADED

# What Dagster calls a location of `cic dev` with two problems, run as it runs one of its jobs.
LOCATION = """
from pathlib import Path
from cic_assets.config.environment import Environment
from cic_assets.defs.build import build_definitions
from cic_assets.defs.executors import PRELOADED
defs = build_definitions(Environment(problem=Path({problem!r}), data_root={root!r}))
"""
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from dagster import DagsterInstance, execute_job, reconstructable

def job():
    import location
    return location.defs.resolve_job_def("check_takedowns")

if __name__ == "__main__":
    with DagsterInstance.local_temp(sys.argv[1]) as instance:
        result = execute_job(reconstructable(job), instance, raise_on_error=False, tags={"dagster/partition": "a"})
        failures = [event.message for event in result.all_events if event.is_failure]
        sys.exit("; ".join(map(str, failures)) if failures else 0)
"""


@pytest.mark.slow
def test_a_mistake_in_the_problem_of_the_environment_ends_no_run_of_another(tmp_path):
    (tmp_path / "broken.yaml").write_text("name: [")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "sound.yaml").write_text("name: sound\nclasses: {a: ['folder:a'], b: ['folder:b']}\n")
    places = {"problem": str(tmp_path / "sound.yaml"), "root": str(tmp_path / "root")}
    (tmp_path / "location.py").write_text(LOCATION.format(**places))
    (tmp_path / "run.py").write_text(RUN)
    environment = {**os.environ, "CIC_PROBLEM": str(tmp_path / "broken.yaml")}
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert result.returncode == 0, result.stderr[-3000:]


WAITING = """
import sys, time
from dagster import DagsterInstance, RetryRequested, execute_job, job, op, reconstructable
from cic_assets.defs.executors import EXECUTOR

@op
def passing_trouble(context):
    if context.retry_number == 0:
        raise RetryRequested(seconds_to_wait=8)

@job(executor_def=EXECUTOR)
def waits():
    passing_trouble()

def main():
    with DagsterInstance.local_temp(sys.argv[1]) as instance:
        begin = time.process_time()
        assert execute_job(reconstructable(waits), instance).success
        print(time.process_time() - begin)
"""


@pytest.mark.slow
def test_a_run_that_waits_takes_no_core(tmp_path):
    """With Dagster's own executor it takes some 8 s of CPU."""
    (tmp_path / "waiting.py").write_text(WAITING)
    command = [sys.executable, "-c", "import waiting; waiting.main()", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert result.returncode == 0, result.stderr[-3000:]
    assert float(result.stdout) < 4


@pytest.mark.parametrize(("config", "steps"), [({}, 2), ({"execution": {"config": {"max_concurrent": 7}}}, 7)])
def test_how_many_steps_of_a_run_are_at_work_is_what_the_launchpad_says(world, config, steps):
    job = build_definitions(world.environment).resolve_job_def("rescrape")
    given = ResolvedRunConfig.build(job, config).execution.execution_engine_config  # what the executor is made with
    assert given["max_concurrent"] == steps
    assert given["start_method"] == {"forkserver": {"preload_modules": list(PRELOADED)}}


@pytest.mark.parametrize("given", [{"max_concurent": 7}, {"max_concurrent": "many"}])
def test_what_the_launchpad_cannot_mean_is_refused(world, given):
    job = build_definitions(world.environment).resolve_job_def("rescrape")
    with pytest.raises(DagsterInvalidConfigError):
        validate_run_config(job, {"execution": {"config": given}})


AT_WORK = """
import os, sys, time
from dagster import DagsterInstance, execute_job, job, op, reconstructable
from cic_assets.defs.executors import EXECUTOR

@op
def works():
    with open(sys.path[0] + "/pid", "w") as file:
        file.write(f"{os.getpid()} ")
    time.sleep(60)

@job(executor_def=EXECUTOR)
def one_step():
    works()

def main():
    with DagsterInstance.local_temp(sys.argv[1]) as instance:
        execute_job(reconstructable(one_step), instance)
"""


@pytest.mark.slow
def test_a_step_ends_with_its_run_that_is_killed(tmp_path):
    """Otherwise it works on beside the run that takes its place."""
    (tmp_path / "at_work.py").write_text(AT_WORK.replace("sys.path[0]", repr(str(tmp_path))))
    run = subprocess.Popen([sys.executable, "-c", "import at_work; at_work.main()", str(tmp_path)], cwd=tmp_path)
    step = int(wait_until(lambda: (tmp_path / "pid").read_text().strip() if (tmp_path / "pid").exists() else ""))
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: is_over(step), seconds=10)


def wait_until(found, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what := found():
            return what
        time.sleep(0.05)
    return pytest.fail("it never came")


def is_over(pid):
    """Whoever inherits a process that is over may never ask for its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
