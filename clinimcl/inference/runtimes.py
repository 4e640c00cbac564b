"""What runs a network file on this machine."""

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from clinimcl.errors import UserError

# onnxruntime reads this at import: else it tells its maker of every session, and leaves a file among the temporary ones
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

Network = Callable[[dict[str, Float[np.ndarray, "batch ..."]]], Float[np.ndarray, "batch ..."]]


class Runtime(NamedTuple):
    """
    Raises UserError where it runs: a runtime that is not installed, one that does not know the precision, or one that
    cannot run the network on this machine.
    """

    name: str = "onnxruntime"  # or openvino
    precision: str = "float32"  # bf16 (openvino), int8 (onnxruntime)

    def load(self, path: Path) -> Network:
        """The network of a file; one output."""
        known: dict[tuple[str, str], Callable[[Path], Network]] = {
            ("onnxruntime", "float32"): _onnxruntime,
            ("onnxruntime", "int8"): _int8,
            ("openvino", "float32"): _openvino("f32"),
            ("openvino", "bf16"): _openvino("bf16"),
        }
        wanted = (self.name, self.precision)
        if wanted not in known:
            offered = ", ".join(f"runtime={name} precision={precision}" for name, precision in known)
            raise UserError(f"runtime={self.name} precision={self.precision} is not offered: choose {offered}")
        try:
            network = known[wanted](path)
        except ModuleNotFoundError as error:
            missing = f"needs {error.name}, not installed: pip install {error.name}"
            raise UserError(f"runtime={self.name} precision={self.precision} {missing}") from None
        except Exception as error:  # each runtime has its own kinds
            raise UserError(f"{path} cannot be run ({type(error).__name__}): export the model again") from None
        return self._guard(network, path)

    def _guard(self, network: Network, path: Path) -> Network:
        """The network, whose failures are told: a runtime may load what it cannot run on this processor."""

        def run(inputs: dict[str, Float[np.ndarray, "batch ..."]]) -> Float[np.ndarray, "batch ..."]:
            try:
                return network(inputs)
            except Exception as error:  # each runtime has its own kinds
                said = str(error).strip().splitlines() or [type(error).__name__]
                raise UserError(
                    f"runtime={self.name} precision={self.precision} loads {path.name} and cannot run it here "
                    f"({said[-1].strip()}): choose another runtime, or export the model again"
                ) from None

        return run


def _onnxruntime(path: Path) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # scans are prepared on the same cores
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)[0]


def _int8(path: Path) -> Network:
    """Weights and, as they come, activations in whole numbers."""
    import onnx  # noqa: F401  # its absence is told
    from onnxruntime.quantization import quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        quantised = Path(folder) / path.name
        logging.disable(logging.WARNING)  # it advises to do once more what the export has done
        try:
            quantize_dynamic(path, quantised)
        finally:
            logging.disable(logging.NOTSET)
        return _onnxruntime(quantised)


def _openvino(hint: str) -> Callable[[Path], Network]:
    def load(path: Path) -> Network:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # openvino goes without, and asks nobody
        import openvino

        # its plugin leaves the thread a stack for signals, which is gone when it is: the next signal ends the process
        with ThreadPoolExecutor(1) as passing:
            wanted = {"INFERENCE_PRECISION_HINT": hint}
            compiled = passing.submit(openvino.Core().compile_model, str(path), "CPU", wanted).result()
        return lambda inputs: np.array(compiled(inputs)[0])

    return load
