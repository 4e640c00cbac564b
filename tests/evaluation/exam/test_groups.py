import numpy as np
import pandas as pd

from clinimcl.evaluation.exam.groups import gap, variable
from clinimcl.evaluation.statistics.cluster_intervals import Replicates
from clinimcl.evaluation.statistics.metrics import Absent


def of_group(value, pull, members, subjects=40):
    """A group's score, which each of its members pulls up or down."""
    left_out = np.full(subjects, float(value))
    left_out[members] += pull * np.where(np.arange(len(members)) % 2, 1, -1)
    return Replicates(np.array([float(value)]), left_out, len(members))


def test_numbers_are_cut_into_thirds_of_the_subjects():
    values = pd.Series([str(number) for number in range(30)], name="age")
    found, notes = variable(values, np.arange(30), least=5)
    assert (found.groups, notes) == (["up to 9.67", "9.67 to 19.3", "above 19.3"], [])
    assert np.bincount(found.of_item).tolist() == [10, 10, 10]


def test_thirds_below_0_have_a_true_minus():
    values = pd.Series([str(number - 30) for number in range(30)], name="z")
    assert variable(values, np.arange(30), least=5)[0].groups[0] == "up to −20.3"


def test_few_numbers_are_names():
    values = pd.Series(["1.5", "3"] * 10, name="field")
    assert variable(values, np.arange(20), least=5)[0].groups == ["1.5", "3"]


def test_a_group_of_too_few_is_told_and_left_out():
    values = pd.Series(["A"] * 10 + ["B"] * 10 + ["C"] * 2 + [None], name="site")
    found, notes = variable(values, np.arange(23), least=5)
    assert found.groups == ["A", "B"]
    assert found.of_item[20:].tolist() == [-1, -1, -1]
    assert notes == [
        "site has 1 value with fewer than 5 subjects: too few to be a group.",
        "site is not known of 1 items, or not the same in all of their scans.",
    ]


def test_many_small_groups_are_counted_and_not_named():
    values = pd.Series(["A"] * 10 + [f"JANE{number}" for number in range(37)], name="household")
    notes = variable(values, np.arange(47), least=10)[1]
    assert notes == ["household has 37 values with fewer than 10 subjects each: too few to be a group."]


def test_the_gap_is_the_mean_over_variables_of_best_minus_worst():
    half = np.arange(20)
    sexes = [of_group(0.9, 0.01, half), of_group(0.7, 0.01, half + 20)]
    sites = [of_group(value, 0.01, half) for value in (0.9, 0.8, 0.5)]
    assert np.isclose(gap([sexes, sites]).value, (0.2 + 0.4) / 2)


def test_a_gap_that_may_be_none_begins_at_0():
    half = np.arange(20)
    found = gap([[of_group(0.71, 0.02, half), of_group(0.7, 0.02, half + 20)]])
    assert found.low == 0.0 < found.value < found.high


def test_a_large_gap_is_told_from_none():
    half = np.arange(20)
    assert gap([[of_group(0.9, 0.005, half), of_group(0.5, 0.005, half + 20)]]).low > 0.2


def test_more_groups_make_the_interval_wider():
    half = np.arange(20)
    two = [of_group(0.9, 0.005, half), of_group(0.5, 0.005, half + 20)]
    assert gap([[*two, of_group(0.7, 0.005, half)]]).low < gap([two]).low


def test_a_score_that_hangs_on_one_subject_has_no_gap():
    broken = of_group(0.5, 0.005, np.arange(20))
    broken.left_out[0] = np.nan
    assert isinstance(gap([[broken, broken]]), Absent)
