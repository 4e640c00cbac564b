import os
import re
import subprocess
import sys

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.inference.model import Model
from clinimcl.inference.runtimes import Runtime
from tests.processors import NEEDS_AVX2, NEEDS_X86

SEEN = np.random.default_rng(0).random((3, 1, 8, 8, 8), np.float32)


def test_a_runtime_that_fails_the_self_test_is_not_offered(folder):
    with pytest.raises(UserError, match="fails the self-test of the model on this machine"):
        Model(folder, Runtime("onnxruntime", "int8"))


@NEEDS_AVX2
def test_openvino_says_the_same(folder, model):
    other = Model(folder, Runtime("openvino"))
    np.testing.assert_allclose(other.embed(SEEN).change, model.embed(SEEN).change, atol=1e-4)


ANSWERING = """
import sys
from pathlib import Path
from clinimcl.errors import UserError
from clinimcl.inference.model import Model
from clinimcl.inference.runtimes import Runtime

try:
    Model(Path(sys.argv[1]), Runtime("openvino"))
except UserError as error:
    sys.exit(str(error))
"""


@NEEDS_X86
def test_a_runtime_that_loads_what_it_cannot_run_is_told(folder):
    told = subprocess.run(
        [sys.executable, "-c", ANSWERING, folder],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "SSE41"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert re.fullmatch(
        r"runtime=openvino precision=float32 loads encoder\.onnx and cannot run it here "
        r"\(\[CPU\] MVN node .*\): choose another runtime, or export the model again\n",
        told.stderr,
    )


LET_GO = """
import gc, signal, sys, threading
from pathlib import Path
from clinimcl.inference.runtimes import Runtime

signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
held = [Runtime("openvino").load(Path(sys.argv[1]))]
last = threading.Thread(target=held.clear)
last.start()
last.join()
gc.collect()
signal.raise_signal(signal.SIGTERM)
"""


def test_a_signal_is_heard_after_another_thread_let_openvino_go(folder):
    assert subprocess.run([sys.executable, "-c", LET_GO, folder / "encoder.onnx"], check=False).returncode == 7


def test_what_is_not_offered_is_told(folder):
    with pytest.raises(UserError, match="runtime=onnxruntime precision=bf16 is not offered: choose "):
        Model(folder, Runtime("onnxruntime", "bf16"))
