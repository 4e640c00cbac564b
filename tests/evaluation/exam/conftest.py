import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.exam.items import Items


@pytest.fixture
def sample():
    """Items of so many subjects, a third of each class, whose embeddings tell as much of it as `effect`."""

    def made(seed, subjects=60, effect=0.0, dimensions=6):
        rng = np.random.default_rng(seed)
        label = np.arange(subjects) % 3
        vectors = rng.normal(size=(subjects, dimensions))
        vectors[:, :3] += effect * np.eye(3)[label]
        groups = pd.DataFrame({"sex": rng.permutation(np.arange(subjects) % 2).astype(str)})
        return Items(np.arange(subjects), label, {"embeddings": vectors}, ["a", "b", "c"], groups)

    return made
