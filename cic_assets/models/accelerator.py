"""Settings of the device, applied before and after Keras is imported. The one place that knows backends apart."""

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

from cic_assets.models.errors import AcceleratorUnavailableError
from cic_assets.models.settings import AcceleratorSettings

MOST_FEEDING_THREADS = 8
"""More than this many make pictures faster than Keras' one thread takes them."""


def environment_of(settings: AcceleratorSettings, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a training's process: what backends read when they are imported.

    A variable that a person set is left alone, except where it would contradict `device` or `threads`.
    """
    environment = dict(given)
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings about missing CUDA libraries are no news here
    environment.setdefault("GRPC_VERBOSITY", "ERROR")
    if settings.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
        environment["JAX_PLATFORMS"] = "cpu"
    if settings.memory_growth:
        environment.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if settings.threads is not None:
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
            environment[name] = str(settings.threads)
    return environment


def activate(settings: AcceleratorSettings) -> str:
    """What Keras itself is told: call it before anything is built.

    Returns:
        The device that will train, such as `gpu:0`, or `cpu`.

    Raises:
        AcceleratorUnavailableError: a GPU is required and there is none.
    """
    import keras

    gpus = [] if settings.device == "cpu" else keras.distribution.list_devices("gpu")
    if settings.needs_gpu and not gpus:
        raise AcceleratorUnavailableError(
            f"a GPU is required (device: {settings.device}, require: {settings.require}) and {keras.backend.backend()} "
            "sees none: install its GPU build and a driver, or set device: auto, require: false"
        )
    if settings.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    return str(gpus[0]) if gpus else "cpu"


def jit(settings: AcceleratorSettings, device: str) -> bool | Literal["auto"]:
    """What Keras' `compile` is told about XLA: on a CPU it is off unless asked for, it made training 5 times slower."""
    return False if settings.jit == "auto" and device == "cpu" else settings.jit


def feeding_threads(device: str) -> int:
    """Threads that make batches: a GPU is fed by several; on a CPU training needs the cores itself."""
    return 1 if device == "cpu" else min(MOST_FEEDING_THREADS, os.cpu_count() or 1)


def peak_gpu_bytes(device: str) -> int | None:
    """The most GPU memory held at once by this process as its backend counts it; None on a CPU or where unknown."""
    if not device.startswith("gpu"):
        return None
    import keras

    counters = {"tensorflow": _tensorflow_peak, "jax": _jax_peak, "torch": _torch_peak}
    return counters[keras.backend.backend()]()


def _tensorflow_peak() -> int:
    import tensorflow as tf

    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def _jax_peak() -> int | None:
    jax = import_module("jax")  # an optional backend
    statistics: dict[str, Any] = jax.local_devices()[0].memory_stats() or {}
    return statistics.get("peak_bytes_in_use")


def _torch_peak() -> int:
    torch = import_module("torch")  # an optional backend
    return int(torch.cuda.max_memory_allocated())
