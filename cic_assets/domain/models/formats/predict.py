"""Says what is on pictures: python predict.py PICTURE...

Needs onnxruntime, numpy and opencv-python alone. Copied beside exported models, and imported by nothing.

SPDX-License-Identifier: MIT
Copyright (c) 2026 The cic_assets founders
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
HOW = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """By areas where it shrinks, by cubic interpolation where it grows."""
    method = cv2.INTER_AREA if height < picture.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=method)


def prepared(path: str) -> np.ndarray:
    """What the model is asked about, (1, size, size, 3) RGB bytes: the steps of preprocessing.json."""
    side, quality, size = HOW["side"], HOW["jpeg_quality"], HOW["input_size"]
    picture = cv2.imread(path, cv2.IMREAD_COLOR)
    if picture is None:
        sys.exit(f"{path}: cannot be read as a picture")
    scale = side / min(picture.shape[:2])
    picture = resized(picture, *(round(length * scale) for length in picture.shape[1::-1]))
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    picture = picture[top : top + side, left : left + side]
    if quality is not None:
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        picture = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(resized(picture, size, size)[None, :, :, ::-1])


if __name__ == "__main__":
    session = onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])
    for name in sys.argv[1:]:
        probabilities = session.run(["probabilities"], {"image": prepared(name)})[0][0]
        print(f"{name}: {HOW['labels'][probabilities.argmax()]} ({probabilities.max():.4f})")
