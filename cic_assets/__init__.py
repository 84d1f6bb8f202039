"""From a question that a picture answers to a data set, classifiers, a report and a predictor."""

import os

# Unless told otherwise before it is loaded, ONNX Runtime collects telemetry: it makes an ID of the machine and a
# database of events in the home of who runs it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
