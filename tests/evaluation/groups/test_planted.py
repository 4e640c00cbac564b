"""experiments/groups, made small: is a planted bias found, and nothing where there is none?"""

import pytest

from experiments.groups.classes import Mix
from experiments.groups.classes import row as class_row
from experiments.groups.cohorts import Plan
from experiments.groups.intervals import Case, row
from experiments.groups.simulate import alarmed, evaluated

SMALL = Plan(tested=90, trained=120)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_site_that_rates_lower_is_found(seed):
    found = evaluated(SMALL._replace(shift=3.0), seed)
    assert alarmed(found, "site")
    assert {own.difference.worst for own in found.alarms if own.headline == "probe_score_bias"} == {"B"}


def test_a_sex_of_whom_few_trained_is_found():
    assert alarmed(evaluated(SMALL._replace(women=0.25, angle=90.0), 0), "sex")


@pytest.mark.parametrize("seed", [0, 1])
def test_without_a_bias_there_is_no_alarm(seed):
    assert evaluated(SMALL, seed).alarms == []


@pytest.mark.parametrize("case", [Case("share", 3, 20, 1.0, False), Case("signed", 3, 20, 1.0, True)])
def test_the_interval_of_a_gap_holds_it(case):
    assert row(case, 40)["holds"] >= 0.85  # of 40 in 99 %, at a true 95 %


def test_classes_that_differ_between_groups_are_no_gap():
    assert class_row(Mix(40, 1, 2, True, False, 0.85, 0.0), 40)["p ≤ 0.05"] <= 0.125  # in 98 %
