"""The process of a training: its errors, its end, and that it never outlives who started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cic_assets.domain.models import (
    AcceleratorSettings,
    AcceleratorUnavailableError,
    Event,
    ModelSettings,
    TrainingDataError,
    TrainingSpec,
    WorkerError,
    check_training,
    train_in_process,
)
from cic_assets.domain.models.accelerator import environment_of
from cic_assets.domain.models.events import EpochEnd, Failed, parse_event

from .conftest import MakeDataset

TINY = ModelSettings(architecture="vgg", width=0.05, input_size=32, epochs=2)


def spec_for(dataset: Path, output: Path) -> TrainingSpec:
    return TrainingSpec(name="tiny", settings=TINY, dataset=str(dataset), output=str(output))


@pytest.mark.slow
def test_the_error_of_a_training_is_raised_as_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"dataset\.json is missing: materialize training_dataset first"):
        train_in_process(spec_for(tmp_path / "nothing", tmp_path / "model"))
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_a_crash_says_how_and_shows_the_end_of_standard_error(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{not json")
    with pytest.raises(WorkerError, match=r"(?s)trained tiny died: exit status 1.*JSONDecodeError"):
        train_in_process(spec_for(tmp_path, tmp_path / "model"))


@pytest.mark.slow
def test_a_gpu_that_is_asked_for_is_looked_for_in_another_process() -> None:
    import keras

    if keras.distribution.list_devices("gpu"):
        pytest.skip("there is a GPU here")
    with pytest.raises(AcceleratorUnavailableError, match="a GPU is required"):
        check_training(AcceleratorSettings(device="gpu"))


def test_nobody_looks_for_a_gpu_that_is_not_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    check_training(AcceleratorSettings())
    check_training(AcceleratorSettings(device="cpu"))


def children() -> set[int]:
    found = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "pid=,args="], capture_output=True, text=True)
    return {int(line.split()[0]) for line in found.stdout.splitlines() if "cic_assets.domain.models.worker" in line}


@pytest.mark.slow
def test_an_exception_of_the_caller_ends_the_worker(make_dataset: MakeDataset, tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        assert len(children()) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_in_process(spec_for(make_dataset(), tmp_path / "model"), interrupt)
    assert not children()
    assert not (tmp_path / "model" / "card.json").exists()


@pytest.mark.slow
def test_a_killed_worker_is_an_error_that_names_the_signal(make_dataset: MakeDataset, tmp_path: Path) -> None:
    def kill(event: Event) -> None:
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(WorkerError, match="SIGKILL"):
        train_in_process(spec_for(make_dataset(), tmp_path / "model"), kill)


@pytest.mark.slow
def test_a_worker_ends_when_its_parent_is_killed(make_dataset: MakeDataset, tmp_path: Path) -> None:
    long = spec_for(make_dataset(), tmp_path / "model").model_copy(
        update={"settings": TINY.model_copy(update={"epochs": 1000, "patience": 1000})}
    )
    (tmp_path / "spec.json").write_text(long.model_dump_json())
    program = (
        "import sys, pathlib; from cic_assets.domain.models import TrainingSpec, train_in_process;"
        "train_in_process(TrainingSpec.model_validate_json(pathlib.Path(sys.argv[1]).read_text()),"
        " lambda event: print('event', flush=True))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "spec.json")], stdout=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"event\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while _group_lives(parent.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _group_lives(parent.pid)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_events_survive_their_journey() -> None:
    event = EpochEnd(
        epoch=1, epochs=2, loss=0.5, accuracy=0.5, val_loss=0.5, val_accuracy=0.5, learning_rate=1e-3, seconds=1,
        images_per_second=3, best=True,
    )  # fmt: skip
    assert parse_event(event.model_dump_json()) == event
    failed = Failed(error="ModelError", message="two\nlines")
    assert b"\n" not in failed.model_dump_json().encode()
    assert parse_event(failed.model_dump_json()) == failed


def test_environment_of_a_worker() -> None:
    given = {"TF_CPP_MIN_LOG_LEVEL": "0", "HOME": "/home"}
    cpu = environment_of(AcceleratorSettings(device="cpu", threads=3), given)
    assert cpu["CUDA_VISIBLE_DEVICES"] == "-1"
    assert cpu["TF_NUM_INTRAOP_THREADS"] == "3"
    assert (cpu["TF_CPP_MIN_LOG_LEVEL"], cpu["HOME"]) == ("0", "/home")
    assert given == {"TF_CPP_MIN_LOG_LEVEL": "0", "HOME": "/home"}
    auto = environment_of(AcceleratorSettings(memory_growth=False), {})
    assert not {"CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH", "OMP_NUM_THREADS"} & auto.keys()


def test_a_limit_of_gpu_memory_is_a_share_for_jax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 81559\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    limited = environment_of(AcceleratorSettings(memory_limit=20390), {})
    assert limited["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.2500"
    more = environment_of(AcceleratorSettings(memory_limit=100_000), {})
    assert more["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "1.0000"
    tool.unlink()
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in environment_of(AcceleratorSettings(), {})
