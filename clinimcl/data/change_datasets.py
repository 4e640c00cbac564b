"""Pairs of scans with the change between them, as a loader serves them."""

from typing import final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch.utils.data import Dataset

from clinimcl.data.batches import ChangeBatch
from clinimcl.data.volumes import Volumes


@final
class VolumePairs(Dataset[ChangeBatch]):
    """The two volumes of each pair, a whole batch at once."""

    def __init__(self, volumes: Volumes, pairs: pd.DataFrame) -> None:
        self._volumes = volumes
        self._pairs = pairs[["earlier", "later", "change"]].to_numpy()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitems__(self, numbers: list[int]) -> ChangeBatch:
        earlier, later, change = self._pairs[numbers].T
        earlier_volumes, later_volumes = self._volumes.gather([*earlier, *later]).chunk(2)
        return ChangeBatch(earlier_volumes, later_volumes, torch.from_numpy(change))


@final
class EmbeddingPairs(Dataset[ChangeBatch]):
    """The two embeddings of each pair, a whole batch at once.

    `vectors` has a row for every scan of the table, NaN where none was wanted.
    """

    def __init__(self, vectors: Float[np.ndarray, "scan embedding"], pairs: pd.DataFrame) -> None:
        self._vectors = torch.from_numpy(vectors)
        self._pairs = pairs[["earlier", "later", "change"]].to_numpy()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitems__(self, numbers: list[int]) -> ChangeBatch:
        earlier, later, change = torch.from_numpy(self._pairs[numbers]).T
        return ChangeBatch(self._vectors[earlier], self._vectors[later], change)
