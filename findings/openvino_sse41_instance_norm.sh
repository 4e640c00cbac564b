#!/bin/sh
# OpenVINO 2026.4.1, limited to SSE4.1 by the variable of its oneDNN (ONEDNN_MAX_CPU_ISA=SSE41), compiles an ONNX
# network of one InstanceNormalization whose batch has no fixed size, on one, two or three dimensions of float32.
#
# Seen: compile_model succeeds, and the first inference raises RuntimeError, "MVN node ... bad combination".
# Without the limit the same network answers. Who asks only whether a network compiles does not hear that it cannot run.
# Ends with 0 while all of this is so, else with 1, and prints what it saw. (x86-64 with AVX2 at least)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6
cat > "$folder/ask.py" <<'PYTHON'
import sys

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper

CHANNELS = 4


def network(sides):
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", CHANNELS, *sides]) for name in "xy")
    scale, bias = (helper.make_tensor(name, TensorProto.FLOAT, [CHANNELS], [own] * CHANNELS) for name, own in
                   (("scale", 1.0), ("bias", 0.0)))
    node = helper.make_node("InstanceNormalization", ["x", "scale", "bias"], ["y"])
    graph = helper.make_graph([node], "norm", [x], [y], [scale, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def answer(sides):
    path = f"{sys.argv[1]}/norm.onnx"
    onnx.save(network(sides), path)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    x = np.random.default_rng(0).normal(size=(1, CHANNELS, *sides)).astype(np.float32)
    try:
        compiled({"x": x})
    except RuntimeError as error:
        return "compiles, then raises: " + str(error).strip().splitlines()[-1]
    return "compiles and answers"


for sides in ((8,), (8, 8), (8, 8, 8)):
    print(sides, answer(sides))
PYTHON
free=$("$folder/venv/bin/python" "$folder/ask.py" "$folder")
limited=$(ONEDNN_MAX_CPU_ISA=SSE41 "$folder/venv/bin/python" "$folder/ask.py" "$folder")
printf 'without a limit:\n%s\nSSE4.1:\n%s\n' "$free" "$limited"
[ "$(printf '%s\n' "$free" | grep -c 'compiles and answers')" = 3 ]
[ "$(printf '%s\n' "$limited" | grep -c 'compiles, then raises: .*bad combination')" = 3 ]
