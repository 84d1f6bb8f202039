"""Settings of the device, applied before and after Keras is imported. The one place that knows backends apart."""

import os
import subprocess
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from cic_assets.domain.models.errors import AcceleratorUnavailableError
from cic_assets.domain.models.settings import AcceleratorSettings

FIRST_WITH_BFLOAT16 = (8, 0)
"""Compute capability of NVIDIA's first GPUs that have it (Ampere; CUDA C++ programming guide, table of features)."""
BFLOAT16_INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})
"""As Linux names them: AMD since Zen 4, Intel's servers since Cooper Lake and Sapphire Rapids."""
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
    if settings.memory_limit is not None and (total := _gpu_mebibytes()):
        # JAX reads it when it is imported, and knows shares only; the other backends are told in `activate`.
        environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{min(1.0, settings.memory_limit / total):.4f}"
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

    if settings.memory_limit is not None and settings.device != "cpu":
        _LIMITS[keras.backend.backend()](settings.memory_limit)  # before the first look at the device takes it
    gpus = [] if settings.device == "cpu" else _gpus()
    if settings.needs_gpu and not gpus:
        raise AcceleratorUnavailableError(
            f"a GPU is required ({'require: true' if settings.require else 'device: gpu'}) and "
            f"{keras.backend.backend()} sees none: install its GPU build and a driver (docs/gpu.md), or "
            + ("set require: false" if settings.require else "take device auto")
        )
    device = str(gpus[0]) if gpus else "cpu"
    mixed = has_bfloat16(device) if settings.mixed_precision == "auto" else settings.mixed_precision
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    return device


def _gpus() -> list[str]:
    """GPUs by name. Keras' own list, asked for GPUs alone, is an error under JAX without one, and PyTorch has none."""
    import keras

    if keras.backend.backend() == "torch":
        return [f"gpu:{i}" for i in range(import_module("torch").cuda.device_count())]
    return [str(name) for name in keras.distribution.list_devices() if str(name).startswith("gpu")]


def has_bfloat16(device: str, cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether bfloat16 is quicker than 32 bits: built into the device, and used by the backend.

    A training step of VGG took 0.67 of the time on an AMD EPYC 9004. Processors without these instructions emulate
    them, and JAX on a CPU does not use them.
    """
    import keras

    backend = keras.backend.backend()
    if device != "cpu":
        return _CAPABILITIES[backend]() >= FIRST_WITH_BFLOAT16
    if backend == "jax":
        return False
    try:
        return not BFLOAT16_INSTRUCTIONS.isdisjoint(cpu_info.read_text(encoding="utf-8").split())
    except OSError:  # not Linux
        return False


def _tensorflow_capability() -> tuple[int, ...]:
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return tuple(details.get("compute_capability", (0,)))


def _jax_capability() -> tuple[int, ...]:
    jax = import_module("jax")  # an optional backend
    return tuple(int(part) for part in str(getattr(jax.local_devices()[0], "compute_capability", "0")).split("."))


def _torch_capability() -> tuple[int, ...]:
    torch = import_module("torch")  # an optional backend
    return tuple(torch.cuda.get_device_capability())


_CAPABILITIES: Mapping[str, Callable[[], tuple[int, ...]]] = {
    "tensorflow": _tensorflow_capability,
    "jax": _jax_capability,
    "torch": _torch_capability,
}


def _gpu_mebibytes() -> int | None:
    """Memory of the first GPU by NVIDIA's own tool; None without it."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", "--id=0"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10)  # noqa: S603 - a constant command
        return int(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _limit_tensorflow(mebibytes: int) -> None:
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.set_logical_device_configuration(gpu, [tf.config.LogicalDeviceConfiguration(memory_limit=mebibytes)])


def _limit_torch(mebibytes: int) -> None:
    cuda = import_module("torch").cuda
    for i in range(cuda.device_count()):
        total = cuda.get_device_properties(i).total_memory
        cuda.set_per_process_memory_fraction(min(1.0, mebibytes * 2**20 / total), i)


_LIMITS: Mapping[str, Callable[[int], None]] = {
    "tensorflow": _limit_tensorflow,
    "torch": _limit_torch,
    "jax": lambda _mebibytes: None,  # by its environment
}


def jit(settings: AcceleratorSettings, device: str) -> bool | Literal["auto"]:
    """What Keras' `compile` is told about XLA.

    TensorFlow on a CPU goes without unless asked for: XLA made training 5 times slower. JAX without it computes one
    operation after the other, which is slower still.
    """
    import keras

    is_slower = device == "cpu" and keras.backend.backend() == "tensorflow"
    return False if settings.jit == "auto" and is_slower else settings.jit


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
