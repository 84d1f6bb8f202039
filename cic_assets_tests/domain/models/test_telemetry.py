"""What predicts tells nobody of it."""

import os
import subprocess
import sys

import onnx
import pytest

ASKED = """
import sys, time
if sys.argv[2:]: import cic_assets
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1])
time.sleep(0.5)
"""


@pytest.mark.parametrize(("first", "left"), [(["cic_assets"], False), ([], True)], ids=["ours", "by itself"])
def test_onnx_runtime_leaves_no_telemetry_at_home(tmp_path, first, left):
    named = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [named("x", 1, [1])], [named("y", 1, [1])]
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "model.onnx")
    home = tmp_path / "home"
    home.mkdir()
    hidden = ("ORT_DISABLE_TELEMETRY", "CI", "XDG_CACHE_HOME")
    variables = {name: value for name, value in os.environ.items() if name not in hidden} | {"HOME": str(home)}
    command = [sys.executable, "-c", ASKED, str(tmp_path / "model.onnx"), *first]
    subprocess.run(command, env=variables, check=True, timeout=120)
    assert any(home.rglob("*")) == left
