"""What a loader hands to a module: named tensors, nothing else."""

from typing import NamedTuple, TypeVar

from jaxtyping import Float, Int
from torch import Tensor

Volume = Float[Tensor, "batch 1 x y z"]
Batch = TypeVar("Batch", bound=tuple)


class PairBatch(NamedTuple):
    """Two scans of each subject, from two sessions."""

    anchor: Volume
    positive: Volume
    subject: Int[Tensor, " batch"]  # number of the subject in the cohort
    interval: Float[Tensor, " batch"]  # years from anchor to positive


class ScanBatch(NamedTuple):
    """Scans one by one."""

    volume: Volume
    row: Int[Tensor, " batch"]  # of the scan in the cohort's table


class ScoredBatch(NamedTuple):
    """Scans with their health score."""

    volume: Volume
    score: Float[Tensor, " batch"]  # mean 0 and deviation 1 over training scans
    subject: Int[Tensor, " batch"]  # number of the subject in the cohort


class ChangeBatch(NamedTuple):
    """Two scans in time order and the change between them.

    A scan stands as its volume, or as its embedding where the encoder is frozen.
    """

    earlier: Float[Tensor, "batch any"] | Volume
    later: Float[Tensor, "batch any"] | Volume
    change: Int[Tensor, " batch"]  # 0 deteriorated, 1 stable, 2 improved


def collated(batch: Batch) -> Batch:
    """The `collate_fn` of data sets whose `__getitems__` gives a whole batch."""
    return batch
