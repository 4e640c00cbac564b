"""What the probes are given."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.errors import UserError


class ProbeInputs(NamedTuple):
    """Training and test scans of a cohort; rows of `scans` and of both embeddings are aligned."""

    scans: pd.DataFrame  # of the scan table: subject, session, split, score, score_name, age, sex, site, scanner
    trained: Float[np.ndarray, "scan dimension"]
    untrained: Float[np.ndarray, "scan dimension"]  # of the same encoder as its seed made it

    @property
    def encoders(self) -> dict[str, Float[np.ndarray, "scan dimension"]]:
        return {"trained": self.trained.astype(float), "untrained": self.untrained.astype(float)}


def check(inputs: ProbeInputs) -> None:
    """Raises UserError when an encoder gives no numbers."""
    assert len(inputs.scans) == len(inputs.trained) == len(inputs.untrained), "a row a scan"
    for name, vectors in inputs.encoders.items():
        if not np.isfinite(vectors).all():
            raise UserError(
                f"the embeddings of the {name} encoder must be finite, got NaN or infinity: the training diverged; "
                "lower the learning rate or train in float32"
            )
