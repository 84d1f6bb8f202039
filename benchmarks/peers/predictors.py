"""One round of one runtime, run by `benchmarks/predict.py` in that peer's own environment.

    python predictors.py NAME MODEL PICTURES THREADS RESULT

PICTURES.npy has prepared pictures (N, side, side, 3) of bytes; each is asked about on its own. RESULT.json gets what
loading took, the medians of wall and processor milliseconds a picture, the peak of memory, and the answers. Each
imports only its own library.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[[Any], Any]
WARM = 3
"""Pictures before those that count."""


def ours(model: Path, threads: int) -> Ask:
    """Our exported model on onnxruntime, as `cic predict` asks it."""
    from cic_assets.domain.models.export import ExportedModel

    return ExportedModel(model / "model.onnx", threads).probabilities


def float16(model: Path, threads: int) -> Ask:
    """The same with its weights in half precision."""
    return ours(model / "float16", threads)


def int8(model: Path, threads: int) -> Ask:
    """The same in 8 bits."""
    return ours(model / "int8", threads)


def keras_traced(model: Path, threads: int) -> Ask:
    """Keras, compiled once: `predict_on_batch`, which the predictor used before."""
    return _keras(model, threads).predict_on_batch


def keras_predict(model: Path, threads: int) -> Ask:
    """Keras' own `predict`."""
    loaded = _keras(model, threads)
    return lambda picture: loaded.predict(picture, verbose=0)


def _keras(model: Path, threads: int) -> Any:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS=str(threads), TF_NUM_INTEROP_THREADS="1")
    import keras

    return keras.saving.load_model(model / "model.keras", compile=False)


def litert(model: Path, threads: int) -> Ask:
    """LiteRT, TensorFlow's runtime for small devices, with XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model / "model.tflite"), num_threads=threads)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()

    def ask(picture: Any) -> Any:
        interpreter.set_tensor(taken["index"], picture)
        interpreter.invoke()
        return interpreter.get_tensor(given["index"])

    return ask


RUNTIMES = {
    "ours": ours,
    "float16": float16,
    "int8": int8,
    "keras_traced": keras_traced,
    "keras_predict": keras_predict,
    "litert": litert,
}


def main() -> None:
    """Run one round."""
    name, model, pictures, threads, result = sys.argv[1:]
    import numpy as np

    began = time.perf_counter()
    ask = RUNTIMES[name](Path(model), int(threads))
    given = np.load(pictures)
    answers = [np.asarray(ask(given[:1]))[0].tolist()]
    ready = time.perf_counter() - began
    for _ in range(WARM):
        ask(given[:1])
    wall, processor = [], []
    for i in range(1, len(given)):
        start, used = time.perf_counter(), time.process_time()
        answers.append(np.asarray(ask(given[i : i + 1]))[0].tolist())
        wall.append(1e3 * (time.perf_counter() - start))
        processor.append(1e3 * (time.process_time() - used))
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    found = {"ready": ready, "wall": statistics.median(wall), "processor": statistics.median(processor)}
    Path(result).write_text(json.dumps({**found, "peak": peak / 1e3, "answers": answers}))


if __name__ == "__main__":
    main()
