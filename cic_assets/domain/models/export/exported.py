"""An exported model, run by onnxruntime: it answers before TensorFlow would be imported."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.export.names import EMBEDDING, EVIDENCE, IMAGE, PROBABILITIES

_ERRORS_ONLY = 3


class ExportedModel:
    """A model out of an ONNX file.

    Pictures go through one by one: on a CPU a batch is not faster, and an answer is so, to the bit, the same alone and
    among others.
    """

    is_for_threads = True

    def __init__(self, graph: Path, threads: int | None = None) -> None:
        """Load a graph, whose weights lie beside it.

        Args:
            graph: the file.
            threads: that work on one picture; all cores unless given.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # Told how many, it does not bind its threads to cores, which it may not do in every container.
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.enable_mem_pattern = False  # it takes 40 MB more for Xception, and is not quicker
        # Threads without work would keep busy for a while, and from others their cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self.outputs = frozenset(output.name for output in self._session.get_outputs())
        self.has_activation_map = EVIDENCE in self.outputs  # those that were exported before there was one have none
        self.has_embedding = EMBEDDING in self.outputs
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities (N, K) of pictures (N, side, side, 3), RGB bytes at the side that the model takes."""
        return self.run(pictures, [PROBABILITIES])[0]

    def probabilities_and_embeddings(
        self, pictures: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same, and what the last dense layer sees (N, F)."""
        probabilities, embeddings = self.run(pictures, [PROBABILITIES, EMBEDDING])
        return probabilities, embeddings

    def activation_map(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What each place says for each class, (N, rows, columns, K), before the softmax."""
        return np.moveaxis(self.run(pictures, [EVIDENCE])[0], 1, -1)

    def warm_up(self, pictures: NDArray[np.uint8]) -> None:
        """Have room for what it computes, so that the next pictures wait for nothing."""
        self.probabilities(pictures)

    def run(self, pictures: NDArray[np.uint8], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Several outputs for pictures, each (N, …), in the order in which they are named; at least one picture."""
        answers = [self._session.run(outputs, {IMAGE: pictures[i : i + 1]}) for i in range(len(pictures))]
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]
