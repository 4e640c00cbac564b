"""The networks of an exported folder, run without torch."""

from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from clinimcl.inference.calibration import both_ways
from clinimcl.inference.runtimes import Runtime

ENCODER, CLASSIFIER, SCORE, IDENTITY = "encoder", "classifier", "score", "identity"


@final
class Networks:
    """Each of `names` is a file `<name>.onnx`; float32 in and out, any number of scans or pairs at a time.

    Raises:
        UserError: a file is no network that this machine can run.
    """

    def __init__(self, folder: Path, names: list[str], runtime: Runtime | None = None) -> None:
        runtime = runtime or Runtime()
        self._networks = {name: runtime.load(folder / f"{name}.onnx") for name in names}

    def __contains__(self, name: str) -> bool:
        return name in self._networks

    def logits(
        self, earlier: Float[np.ndarray, "pair embedding"], later: Float[np.ndarray, "pair embedding"]
    ) -> Float[np.ndarray, "pair 3"]:
        """The classifier's, asked both ways: exchanged scans exchange improved and deteriorated exactly."""
        forth = self.run(CLASSIFIER, earlier=earlier, later=later)
        return both_ways(forth, self.run(CLASSIFIER, earlier=later, later=earlier))

    def run(self, name: str, **inputs: Float[np.ndarray, "batch ..."]) -> Float[np.ndarray, "batch ..."]:
        """What the network of that name answers."""
        return self._networks[name]({key: np.ascontiguousarray(value, np.float32) for key, value in inputs.items()})
