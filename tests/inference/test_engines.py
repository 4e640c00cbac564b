from importlib.util import find_spec

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.inference import engines
from clinimcl.inference.engines import Engine
from clinimcl.inference.model import Model

SEEN = np.random.default_rng(0).random((3, 1, 8, 8, 8), np.float32)


def test_an_engine_that_fails_the_self_test_is_not_offered(folder, monkeypatch):
    plain = engines._onnxruntime
    monkeypatch.setattr(engines, "_int8", lambda path: lambda inputs: plain(path)(inputs) + np.float32(0.3))
    with pytest.raises(UserError, match="fails the self-test of the model on this machine"):
        Model(folder, Engine("onnxruntime", "int8"))


@pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed: pip install openvino")
def test_openvino_says_the_same(folder, model):
    other = Model(folder, Engine("openvino"))
    np.testing.assert_allclose(other.embed(SEEN).change, model.embed(SEEN).change, atol=1e-4)


def test_what_is_not_offered_is_told(folder):
    with pytest.raises(UserError, match="engine=onnxruntime precision=bf16 is not offered: choose engine=onnxruntime"):
        Model(folder, Engine("onnxruntime", "bf16"))
