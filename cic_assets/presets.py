"""Sizes by one word. A preset lies over what a problem file says; `full` changes nothing."""

from collections.abc import Mapping
from typing import Any

_DEMO_FROM_SCRATCH: Mapping[str, Any] = {
    "width": 0.5, "input_size": 80, "progression": [0.6, 0.8], "epochs": 24, "warmup_epochs": 2, "averaging": 0.97,
    "cutmix": 0.0,
}  # fmt: skip

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    # Minutes on two cores: narrower nets on smaller pictures for fewer epochs. The average of the weights looks back
    # over an epoch or two only, and nobody mixes pictures where there are so few steps to learn from.
    "demo": {
        "dataset": {"side": 160},
        "models": {
            "vgg": _DEMO_FROM_SCRATCH,
            "peetz_net": _DEMO_FROM_SCRATCH,
            # The notebooks' recipe: on so few pictures it came out one better than the modern one, well within chance.
            "xception": {
                "variant": "original",
                "width": 0.25,
                "input_size": 128,
                "epochs": 4,
                "views": 2,
                "learning_rate": 1e-4,
            },
        },
    },
}
