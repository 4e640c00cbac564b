from collections.abc import Callable

import numpy as np

from clinimcl.evaluation.change.distance import age, differences
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


def test_equal_differences_of_decimal_scores_are_equal_in_every_bit():
    one = np.array([430.1, 0.1, 0.2, 0.3, 7.0])
    assert len(np.unique(np.abs(one + 0.2 - one))) > 1
    assert len(np.unique(differences(one, one + 0.2))) == 1
    assert differences(one, one + np.array([0.2, 0.3, 0.2, 0.3, 0.2])).argsort(kind="stable").tolist() == [
        0,
        2,
        4,
        1,
        3,
    ]
