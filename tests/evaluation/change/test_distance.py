from collections.abc import Callable

import numpy as np

from clinimcl.evaluation.change.distance import age
from clinimcl.evaluation.change.inputs import ChangeInputs

Given = Callable[..., ChangeInputs]


def aged(given: Given, train: float) -> ChangeInputs:
    """Training scans are that old, test scans 90; the first of each is of unknown age."""
    inputs = given()
    ages = np.where(inputs.scans["split"] == "train", train, 90.0)
    ages[[0, 36]] = np.nan
    return inputs._replace(scans=inputs.scans.assign(age=ages))


def test_unknown_age_is_the_mean_of_training_scans(given: Given):
    assert age(aged(given, train=70.0), np.array([0, 36, 37])).tolist() == [70.0, 70.0, 90.0]


def test_unknown_age_without_a_known_one_in_training_is_zero(given: Given):
    assert age(aged(given, train=np.nan), np.array([0, 36, 37])).tolist() == [0.0, 0.0, 90.0]
