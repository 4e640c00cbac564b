import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.contrastive.inputs import Embedded, finite_epochs


def embedded(**epochs: float) -> Embedded:
    scans = pd.DataFrame({"subject": ["a", "b"], "split": ["train", "test"]})
    vectors = {int(name[1:]): np.full((2, 3), value, dtype=np.float32) for name, value in epochs.items()}
    return Embedded(scans, vectors, best=1)


def test_epochs_that_diverged_are_left_out():
    assert list(finite_epochs(embedded(e2=np.nan, e1=1.0)).epochs) == [1]


def test_diverged_epoch_cannot_be_reported():
    with pytest.raises(UserError, match="epoch 1 must be finite"):
        finite_epochs(embedded(e1=np.inf))


def test_epochs_are_in_order():
    assert list(finite_epochs(embedded(e3=1.0, e1=1.0)).epochs) == [1, 3]


def test_vectors_are_those_of_the_split_in_double_precision():
    vectors = embedded(e1=2.0).vectors(1, "test")
    assert vectors.shape == (1, 3)
    assert vectors.dtype == float
