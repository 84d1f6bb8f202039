"""Sizes by one word. A preset lies over what a problem file says; `full` changes nothing."""

from collections.abc import Mapping
from typing import Any

# Some hundred pictures make few steps an epoch, so batches are smaller. The average of the weights looks back over an
# epoch or two only.
# One size throughout: building the network's graph anew for a second one takes longer than its smaller pictures save.
_MODERN: Mapping[str, Any] = {
    "width": 0.5, "input_size": 64, "progressive_resizing": [1.0], "epochs": 24, "batch_size": 16, "ema": 0.95,
}  # fmt: skip

# The learning rate is lower than the notebooks': so few pictures leave the nets from scratch at chance otherwise. They
# also need some epochs before they learn anything, which must not stop them early.
_ORIGINAL: Mapping[str, Any] = {"width": 0.25, "input_size": 64, "epochs": 12, "patience": 10, "learning_rate": 5e-4}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    # Minutes on two cores: narrower nets on smaller pictures for fewer epochs.
    "demo": {
        "dataset": {"side": 160},
        "features": {"side": 128},  # as Xception's below, which so takes them
        # By variant; the first is that of the preset where the file names none.
        "models": {
            "vgg": {"modern": _MODERN, "original": _ORIGINAL},
            "peetz_net": {"modern": _MODERN, "original": {**_ORIGINAL, "input_size": 48}},
            # As the nets beside it without early stopping: the best of some epochs would be flattered by its choice.
            "xception": {
                "modern": {"input_size": 128, "epochs": 24, "batch_size": 16},
                "original": {
                    "width": 0.25,
                    "input_size": 128,
                    "epochs": 4,
                    "patience": None,
                    "views": 2,
                    "learning_rate": 1e-4,
                },
            },
        },
    },
}
