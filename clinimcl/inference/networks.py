"""The networks of an exported folder, run without torch."""

from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from clinimcl.errors import UserError

ENCODER, CLASSIFIER, SCORE, IDENTITY = "encoder", "classifier", "score", "identity"


@final
class Networks:
    """Each of `names` is a file `<name>.onnx`; float32 in and out, any number of scans or pairs at a time.

    Raises:
        UserError: a file is no network that this machine can run.
    """

    def __init__(self, folder: Path, names: list[str], threads: int = 0) -> None:
        self._sessions = {name: _session(folder / f"{name}.onnx", threads) for name in names}

    def __contains__(self, name: str) -> bool:
        return name in self._sessions

    def run(self, name: str, **inputs: Float[np.ndarray, "batch ..."]) -> Float[np.ndarray, "batch ..."]:
        """What the network of that name answers."""
        whole = {key: np.ascontiguousarray(value, np.float32) for key, value in inputs.items()}
        return self._sessions[name].run(None, whole)[0]


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # 0: as many as there are cores
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own kinds
        raise UserError(f"{path} cannot be run ({type(error).__name__}): export the model again") from None
