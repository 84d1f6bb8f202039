"""What the base installation goes without: TensorFlow and Keras, which training and some exports need."""

import os
from importlib.util import find_spec


def why_no_training(what: str = "training") -> str | None:
    """Why something that needs Keras cannot be done here, and what to install; None where it can.

    Nothing is imported.

    Args:
        what: cannot be done, as the subject of a sentence.
    """
    # Keras imports its backend with itself: the one that a person named, or TensorFlow.
    needed = ("keras", "h5py", os.environ.get("KERAS_BACKEND") or "tensorflow")
    return None if all(map(_is_installed, needed)) else _lack(what)


def why_no_tensorflow(what: str) -> str | None:
    """The same of what needs TensorFlow itself, whichever backend Keras has."""
    return None if _is_installed("tensorflow") else _lack(what)


def _lack(what: str) -> str:
    return f"{what} needs TensorFlow: install cic-assets with the extra train (pip install 'cic-assets[train]')"


def _is_installed(module: str) -> bool:
    return find_spec(module) is not None
