"""What a loader hands to a module: named tensors, nothing else."""

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

Volume = Float[Tensor, "*batch 1 x y z"]


class PairBatch(NamedTuple):
    """Two scans of each subject, from two sessions; also the type of one item, then without the batch axis."""

    anchor: Volume
    positive: Volume
    subject: Int[Tensor, "*batch"]  # number of the subject in the cohort
    interval: Float[Tensor, "*batch"]  # years from anchor to positive


class ScanBatch(NamedTuple):
    """Scans one by one; also the type of one item."""

    volume: Volume
    row: Int[Tensor, "*batch"]  # of the scan in the cohort's table
