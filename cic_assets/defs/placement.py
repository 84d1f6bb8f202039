"""What steps need of a machine, for executors that place each step on one; those of one machine ignore it.

A step that hands its pictures to the engine needs nothing: it waits, and what it waits for needs the processors.
"""

from typing import Any

GIB = 2**30

GPUS_OF_KUBERNETES = "nvidia.com/gpu"


def needs(*, memory: int, gpus: int = 0) -> dict[str, Any]:
    """Tags of a step that has a processor to itself.

    Args:
        memory: GiB.
        gpus: on Ray and Kubernetes, asked for where `CIC_DEVICE=gpu` says that the cluster has them.
    """
    limits = {"memory": f"{memory}Gi"} | ({GPUS_OF_KUBERNETES: str(gpus)} if gpus else {})
    requests = {"cpu": "1", "memory": f"{memory}Gi"}
    # Flat: what is nested or misspelt is ignored without a word.
    on_ray = {"num_cpus": 1, "memory": memory * GIB} | ({"num_gpus": gpus} if gpus else {})
    return {
        "dagster-k8s/config": {"container_config": {"resources": {"limits": limits, "requests": requests}}},
        "dagster-ray/config": on_ray,
    }
