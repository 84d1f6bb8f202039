"""Sizes by one word. A preset lies over what a problem file says; `full` changes nothing."""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    # Minutes on two cores: narrow nets on small pictures for few epochs. The learning rates are lower than the
    # notebooks': so few pictures leave the nets from scratch at chance otherwise, and Xception's head uneven. Those
    # nets also need some epochs before they learn anything, which must not stop them early.
    "demo": {
        "dataset": {"side": 160},
        "models": {
            "vgg": {"width": 0.25, "input_size": 64, "epochs": 12, "patience": 10, "learning_rate": 5e-4},
            "peetz_net": {"width": 0.25, "input_size": 48, "epochs": 12, "patience": 10, "learning_rate": 5e-4},
            "xception": {"width": 0.25, "input_size": 128, "epochs": 4, "views": 2, "learning_rate": 1e-4},
        },
    },
}
