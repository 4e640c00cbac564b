import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.exam.partition import TEST, TRAIN, VALIDATION, partition, rarest_label


def test_each_class_is_split_in_40_10_and_50_percent():
    label = np.repeat([0, 1], [20, 60])
    part = partition(np.arange(80), label, np.random.default_rng(0))
    counts = [[int((part[label == one] == which).sum()) for which in (TRAIN, VALIDATION, TEST)] for one in (0, 1)]
    assert counts == [[8, 2, 10], [24, 6, 30]]


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_in_two_parts(seed):
    rng = np.random.default_rng(seed)
    subject = np.sort(np.r_[np.arange(60), rng.choice(60, 25, replace=False)])
    label = np.where(np.r_[False, subject[1:] == subject[:-1]], 1, 0)
    part = partition(subject, label, np.random.default_rng(seed))
    assert all(len(np.unique(part[subject == one])) == 1 for one in range(60))


def test_who_has_two_labels_counts_for_the_rarer_one():
    assert rarest_label(np.array([0, 0, 1, 2]), np.array([0, 1, 0, 0])).tolist() == [1, 0, 0]


def test_another_seed_is_another_split():
    label = np.repeat([0, 1], 20)
    one, again, other = (partition(np.arange(40), label, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any()


def test_a_class_that_cannot_be_in_each_part_is_refused():
    with pytest.raises(UserError, match="too few subjects have one label alone"):
        partition(np.arange(4), np.array([0, 0, 1, 1]), np.random.default_rng(0))
