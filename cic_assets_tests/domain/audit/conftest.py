"""Data sets of drawn features: each class a cloud of its own, as photos' features are."""

import numpy as np
import pandas as pd
import pytest


class Drawn:
    """Pictures of classes that lie around a centre each, two of every unit."""

    def __init__(self, each=60, classes=("car", "tank"), width=64, noise=0.6, apart=1.0, seed=0):
        self.random = np.random.default_rng(seed)
        self.classes = list(classes)
        own = self.random.gamma(1.0, 1.0, (len(classes), width))
        self.centres = apart * own + (1 - apart) * own.mean(axis=0)
        self.noise = noise
        self.labels = np.repeat(np.arange(len(classes)), each)
        self.features = self.around(self.centres[self.labels])

    def around(self, centres):
        return (centres + self.random.gamma(1.0, self.noise, centres.shape)).astype(np.float16)

    @property
    def manifest(self):
        names = [f"{i:064x}" for i in range(len(self.labels))]
        return pd.DataFrame(
            {
                "sha256": names,
                "resized_sha256": [f"r{name}" for name in names],
                "unit_id": [names[i // 2 * 2] for i in range(len(names))],
                "subreddit": [f"{self.classes[k]}porn" for k in self.labels],
                "klass": [self.classes[k] for k in self.labels],
                "label": self.labels,
            }
        )

    @property
    def table(self):
        """As `image_features` has it."""
        return self.manifest[["sha256", "resized_sha256"]].assign(
            features_version="drawn", features=[one.tobytes() for one in self.features]
        )


@pytest.fixture
def drawn():
    return Drawn
