import numpy as np
import pytest

from clinimcl.phantoms.brain.course import (
    BOXES,
    Person,
    disease_years,
    mmse_of_stage,
    sample_person,
    sample_scores,
    state_at,
)
from clinimcl.phantoms.brain.parameters import BRAIN

HEALTHY = Person(65.0, float("inf"), 1.0)
ILL = Person(65.0, 66.0, 1.0)


def scores(person, age, count=200):
    generator = np.random.default_rng(0)
    return [sample_scores(generator, state_at(person, age, BRAIN.course), BRAIN.course) for _ in range(count)]


def test_a_healthy_person_stays_at_stage_zero():
    state = state_at(HEALTHY, 95.0, BRAIN.course)
    assert (state.stage, state.rate) == (0.0, 0.0)


def test_the_stage_rises_with_the_pace_of_the_disease():
    slow, fast = (state_at(Person(65.0, 66.0, pace), 70.0, BRAIN.course).stage for pace in (0.7, 1.4))
    assert 0 < slow < fast <= 18


def test_atrophy_speeds_up_before_the_first_symptom():
    before = state_at(ILL, 65.5, BRAIN.course)
    healthy = state_at(HEALTHY, 65.5, BRAIN.course)
    assert before.stage == 0
    assert before.hippocampi < healthy.hippocampi


def test_disease_years_are_negative_before_onset():
    assert disease_years(ILL, 64.0) == -2.0


def test_the_mmse_falls_as_the_stage_rises():
    assert [mmse_of_stage(stage) for stage in (0.0, 4.25, 18.0)] == [29.5, 25.5, 3.0]


def test_scores_stay_on_their_scales():
    for age in (64.0, 72.0, 90.0):
        for score in scores(ILL, age, 50):
            assert score.mmse in range(31)
            assert 0 <= score.sum_of_boxes <= 18
            assert score.global_rating in (0.0, 0.5, 1.0, 2.0, 3.0)


def test_the_sum_of_boxes_is_the_sum_of_its_boxes():
    assert all(sum(score.boxes) == score.sum_of_boxes for score in scores(ILL, 71.0))


def test_personal_care_has_no_half_point():
    levels = {score.boxes[BOXES.index("perscare")] for score in scores(ILL, 72.0)}
    assert levels <= {0.0, 1.0, 2.0, 3.0}


def test_repeated_mmse_varies_as_the_parameters_say():
    spread = np.std([score.mmse for score in scores(ILL, 73.0, 1000)])
    assert spread == pytest.approx(BRAIN.course.mmse_noise[1], rel=0.1)  # rounding adds 1/12 of a point squared


def test_as_many_people_are_healthy_as_the_parameters_say():
    generator = np.random.default_rng(0)
    healthy = np.mean([np.isinf(sample_person(generator, BRAIN.course).onset_age) for _ in range(1000)])
    assert healthy == pytest.approx(BRAIN.course.healthy_share, abs=0.05)
