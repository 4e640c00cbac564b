from itertools import combinations

import numpy as np
import pytest

from clinimcl.phantoms.lung.course import KINDS, litres_needed, sample_chart, sample_stay, true_ratio
from clinimcl.phantoms.lung.parameters import LUNG

BINS = (180.0, 275.0, 430.0)  # of the paper
COURSE, OXYGEN = LUNG.course, LUNG.oxygen


def stays(count=300):
    generator = np.random.default_rng(0)
    return [sample_stay(generator, COURSE) for _ in range(count)]


def charts(severity, count=300):
    generator = np.random.default_rng(0)
    return [sample_chart(generator, severity, OXYGEN) for _ in range(count)]


def changes(ratios):
    """-1 deteriorated, 0 stable, 1 improved, over all ordered pairs."""
    bins = np.digitize(ratios, BINS)
    return [int(np.sign(later - earlier)) for earlier, later in combinations(bins, 2)]


def true_and_measured_changes(subjects=300, seed=0):
    generator, true, measured = np.random.default_rng(seed), [], []
    for _ in range(subjects):
        severities = sample_stay(generator, COURSE).severities
        true += changes([true_ratio(severity, OXYGEN) for severity in severities])
        measured += changes([sample_chart(generator, severity, OXYGEN).ratio for severity in severities])
    return np.array(true), np.array(measured)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_true_state_tells_at_least_85_of_100_measured_changes(seed):
    true, measured = true_and_measured_changes(seed=seed)
    assert np.mean(true == measured) >= 0.85


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_change_is_commoner_than_45_of_100(seed):
    _, measured = true_and_measured_changes(seed=seed)
    assert max(np.mean(measured == change) for change in (-1, 0, 1)) <= 0.45


def test_days_start_at_0_and_follow():
    for stay in stays(30):
        assert stay.days[0] == 0
        assert stay.days == sorted(set(stay.days))


def test_a_subject_has_three_or_four_sessions():
    assert {len(stay.days) for stay in stays(30)} == {3, 4}


def test_severity_keeps_within_0_and_1():
    assert all(0 <= severity <= 1 for stay in stays() for severity in stay.severities)


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("improving", -1, -0.3), ("stable", -0.2, 0.2), ("worsening", 0.3, 1)]
)
def test_a_course_goes_where_its_name_says(kind, least, most):
    rises = [stay.severities[-1] - stay.severities[0] for stay in stays() if stay.kind == kind]
    assert least <= min(rises) <= max(rises) <= most


def test_courses_are_as_frequent_as_the_parameters_say():
    kinds = [stay.kind for stay in stays(2000)]
    assert [kinds.count(kind) / 2000 for kind in KINDS] == pytest.approx(COURSE.shares, abs=0.04)


def test_the_true_ratio_falls_with_severity():
    ratios = [true_ratio(severity, OXYGEN) for severity in np.linspace(0, 1, 21).tolist()]
    assert ratios == sorted(set(ratios), reverse=True)
    assert ratios[0] <= 100 / 0.21


def test_the_ratio_is_that_of_the_chart():
    for chart in charts(0.6, 50):
        assert chart.fio2 == pytest.approx(0.21 + 0.03 * chart.litres)
        assert chart.ratio == pytest.approx(chart.spo2 / chart.fio2, abs=0.05)


def test_a_healthy_lung_gets_no_oxygen_and_the_worst_the_most():
    assert litres_needed(true_ratio(0.0, OXYGEN), OXYGEN) == 0
    assert litres_needed(true_ratio(1.0, OXYGEN), OXYGEN) == OXYGEN.most_litres


def test_saturation_never_exceeds_100_percent():
    assert max(chart.spo2 for severity in (0.0, 0.2, 0.4) for chart in charts(severity)) <= 100


def test_measured_ratios_scatter_about_the_true_one():
    ratios = [chart.ratio for chart in charts(0.5)]
    assert np.mean(ratios) == pytest.approx(true_ratio(0.5, OXYGEN), rel=0.02)
    assert 0.02 < np.std(ratios) / np.mean(ratios) < 0.06
