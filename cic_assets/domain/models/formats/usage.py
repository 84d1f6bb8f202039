"""How each format is loaded and asked: the part of its README that is its own.

The block of Python in each makes `probabilities` (N, classes) of `pictures` (N, side, side, 3); a test runs it.
"""

KERAS = """`model.keras`, for Keras 3 on any backend:

```python
import keras

model = keras.saving.load_model("model.keras", compile=False)
probabilities = model.predict_on_batch(pictures)
```
"""

SAVED_MODEL = """`1/` is a TensorFlow SavedModel:

```python
import tensorflow as tf

model = tf.saved_model.load("1")
probabilities = model.serve(pictures).numpy()
```

TensorFlow Serving takes this folder as it is, as `--model_base_path`. It is asked at `/v1/models/NAME:predict` with
`{"instances": [PICTURE, ...]}`, each a list of rows of pixels of three numbers.
"""

ONNX = """`model.onnx` is the graph and `model.onnx.data` its arrays, which have to lie beside it. ONNX, opset 17:

```python
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(probabilities,) = session.run(["probabilities"], {"image": pictures})
```

There are further outputs, as far as the network has them: `embedding` (N, F), what the last dense layer sees;
`features` (N, F, height, width), the maps whose means it is; `evidence` (N, classes, height, width), what each place
says for each class. The labels are in the file's metadata, too.
"""

LITERT = """`model.tflite`, for LiteRT (TensorFlow Lite), in 32 bits. On telephones by its own libraries, with Python:

```python
from ai_edge_litert.interpreter import Interpreter

ask = Interpreter("model.tflite").get_signature_runner()
probabilities = ask(image=pictures)["output_0"]
```
"""

PROGRAM = """```sh
pip install onnxruntime numpy opencv-python
python predict.py photo.jpg
```

`predict.py` is short, and meant to be read and changed. What it does in another program:

```python
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(probabilities,) = session.run(["probabilities"], {"image": pictures})
```
"""

HUB = """Out of the Hub, with Keras 3 on any backend:

```py
import keras

model = keras.saving.load_model("hf://USER/MODEL")
probabilities = model.predict_on_batch(pictures)
```

Without Keras, by onnxruntime, from a copy of the files:

```python
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(probabilities,) = session.run(["probabilities"], {"image": pictures})
```

`python predict.py photo.jpg` does the same with a file, from the first step below to the last.
"""
