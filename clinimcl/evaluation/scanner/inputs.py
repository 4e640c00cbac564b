"""What the scanner's part is measured on."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.evaluation.probes.inputs import ProbeInputs


class ScannerInputs(NamedTuple):
    """Training and test scans with both encoders' embeddings, and the prepared voxels of test scans, in their order.

    Only harmonisation looks at training scans.
    """

    embedded: ProbeInputs
    raw: Float[np.ndarray, "test voxel"] | None

    @property
    def tested(self) -> Bool[np.ndarray, " scan"]:
        return (self.embedded.scans["split"] == "test").to_numpy(bool)

    @property
    def test_scans(self) -> pd.DataFrame:
        return self.embedded.scans[self.tested].reset_index(drop=True)

    @property
    def test_vectors(self) -> dict[str, Float[np.ndarray, "test dimension"]]:
        """By representation."""
        vectors = {name: own[self.tested] for name, own in self.embedded.encoders.items()}
        return vectors if self.raw is None else vectors | {"raw_voxels": self.raw}
