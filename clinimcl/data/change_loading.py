"""Pairs of scans with the change between them, as a loader serves them."""

from typing import final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch.utils.data import Dataset

from clinimcl.data.batches import ChangeBatch
from clinimcl.data.longitudinal import ScanDataset


@final
class VolumePairs(Dataset[ChangeBatch]):
    """The two volumes of each pair."""

    def __init__(self, scans: ScanDataset, pairs: pd.DataFrame) -> None:
        self._scans = scans
        self._pairs = pairs[["earlier", "later", "change"]].to_numpy()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, number: int) -> ChangeBatch:
        earlier, later, change = self._pairs[number]
        return ChangeBatch(self._scans.volume(earlier), self._scans.volume(later), torch.tensor(change))


@final
class EmbeddingPairs(Dataset[ChangeBatch]):
    """The two embeddings of each pair; `vectors` has a row for every scan of the table, NaN where none was wanted."""

    def __init__(self, vectors: Float[np.ndarray, "scan embedding"], pairs: pd.DataFrame) -> None:
        self._vectors = torch.from_numpy(vectors)
        self._pairs = pairs[["earlier", "later", "change"]].to_numpy()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, number: int) -> ChangeBatch:
        earlier, later, change = self._pairs[number]
        return ChangeBatch(self._vectors[earlier], self._vectors[later], torch.tensor(change))
