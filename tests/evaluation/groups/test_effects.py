import numpy as np
import pytest
from scipy.stats import ttest_ind

from clinimcl.evaluation.groups.effects import effects, items_of, studentised_range
from clinimcl.evaluation.groups.headlines import measure
from clinimcl.evaluation.statistics.metrics import Metric

RNG = np.random.default_rng(0)


def test_of_two_groups_it_is_welchs_t(headline):
    value, label = RNG.normal(size=30), np.repeat([0, 1], [10, 20])
    found = studentised_range(effects(items_of(headline(value, list(range(30))).values), label[None], 2))
    expected = ttest_ind(value[:10], value[10:], equal_var=False).statistic
    assert found[0] == pytest.approx(abs(expected))


def test_of_scans_of_the_same_people_it_is_the_paired_t(headline):
    value = RNG.normal(size=(20, 2))
    items = items_of(headline(value.ravel(), np.repeat(range(20), 2).tolist()).values)
    found = studentised_range(effects(items, np.tile([0, 1], 20)[None], 2))
    difference = value[:, 0] - value[:, 1]
    expected = difference.mean() / (difference.std(ddof=1) / np.sqrt(20))
    assert found[0] == pytest.approx(abs(expected))


@pytest.mark.parametrize("by_subject", [False, True])
@pytest.mark.parametrize("classes", [1, 3])
def test_values_are_those_that_are_reported(headline, by_subject, classes):
    subject = RNG.integers(15, size=90)
    one = headline((RNG.random(90) < 0.7).astype(float), subject.tolist()).values._replace(
        of_class=np.arange(90) % classes, by_subject=by_subject and classes == 1, bounds=(0.0, 1.0)
    )
    label = (subject % 2)[None]
    found = effects(items_of(one), label, 2).value[0]
    reported = [measure(one.where(label[0] == group), classes) for group in (0, 1)]
    assert [own.value for own in reported if isinstance(own, Metric)] == pytest.approx(found)


def test_groups_that_differ_and_do_not_vary_are_infinitely_far_apart(headline):
    items = items_of(headline([0, 0, 1, 1], [0, 1, 2, 3]).values)
    assert studentised_range(effects(items, np.array([[0, 0, 1, 1]]), 2)) == [np.inf]
    assert studentised_range(effects(items, np.array([[0, 1, 0, 1]]), 2)) == [0]
