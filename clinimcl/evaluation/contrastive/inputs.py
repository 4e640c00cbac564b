"""What is evaluated: scans and their embeddings."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.errors import UserError


class Embedded(NamedTuple):
    """Usable scans of a cohort, embedded at each kept epoch.

    Rows of `scans` and of every array of `epochs` are aligned. `raw` and `realigned` hold the rows of the
    test scans only, in the same order: prepared voxels, and the same moved back by the true pose (phantoms).
    """

    scans: pd.DataFrame
    epochs: dict[int, Float[np.ndarray, "scan dimension"]]
    best: int  # the epoch that is reported, chosen on validation subjects
    raw: Float[np.ndarray, "test voxel"] | None = None
    realigned: Float[np.ndarray, "test voxel"] | None = None
    validation_losses: Float[np.ndarray, " subject"] | None = None  # rows of one batch: a pair of each subject

    def rows(self, split: str) -> Bool[np.ndarray, " scan"]:
        return (self.scans["split"] == split).to_numpy()

    def table(self, split: str) -> pd.DataFrame:
        return self.scans[self.rows(split)].reset_index(drop=True)

    def vectors(self, epoch: int, split: str) -> Float[np.ndarray, "scan dimension"]:
        """Embeddings of a split in float64."""
        return self.epochs[epoch][self.rows(split)].astype(float)


def finite_epochs(embedded: Embedded) -> Embedded:
    """Leaves out epochs whose embeddings hold NaN or infinity.

    Raises:
        UserError: when the epoch to be reported is one of them.
    """
    assert embedded.best in embedded.epochs, "the reported epoch is one of the kept ones"
    kept = {epoch: vectors for epoch, vectors in embedded.epochs.items() if np.isfinite(vectors).all()}
    if embedded.best not in kept:
        raise UserError(
            f"the embeddings of epoch {embedded.best} must be finite, got NaN or infinity: the training "
            "diverged; lower the learning rate or train in float32"
        )
    return embedded._replace(epochs=dict(sorted(kept.items())))
