import numpy as np
import pytest

from clinimcl.evaluation.statistics.calibration import calibration, likeness_of_hits
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of
from clinimcl.evaluation.statistics.metrics import Metric


def sure(confidence: np.ndarray) -> np.ndarray:
    return np.stack([confidence, (1 - confidence) / 2, (1 - confidence) / 2], axis=1)


def test_classifier_that_is_surer_than_right_errs_by_the_difference():
    change = np.tile([0, 0, 0, 1, 2], 8)  # right in 60 %
    subject = np.arange(40) // 5
    error, bins = calibration(clusters_of(subject, subject, seed=0), change, sure(np.full(40, 0.9)))
    assert isinstance(error, Metric)
    assert error.value == pytest.approx(0.3)
    assert bins.to_numpy().tolist() == [pytest.approx([0.9, 0.6, 40])]


def test_calibrated_classifier_errs_little():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.4, 1, size=2000)
    change = np.where(rng.uniform(size=2000) < confidence, 0, 1)
    subject = np.arange(2000) // 10
    error, bins = calibration(clusters_of(subject, subject, seed=0), change, sure(confidence))
    assert isinstance(error, Metric)
    assert error.value < 0.05
    assert bins["answers"].tolist() == [200] * 10


def test_calibrated_classifier_of_few_errs_as_by_chance_and_its_interval_holds_zero():
    rng, held, values, chances = np.random.default_rng(0), 0, [], []
    for _ in range(60):
        said = rng.dirichlet([2, 3, 2], 40)
        change = (said.cumsum(axis=1) > rng.random((40, 1))).argmax(axis=1)
        error, _ = calibration(clusters_of(np.arange(40), np.arange(40), seed=0), change, said)
        assert isinstance(error, Metric)
        assert error.chance is not None
        held, values, chances = held + (error.low == 0), [*values, error.value], [*chances, error.chance]
    assert held >= 54
    assert np.mean(chances) == pytest.approx(np.mean(values), rel=0.1)


def test_classifier_that_errs_by_more_than_luck_is_told_from_a_calibrated_one():
    change = np.tile([0, 0, 0, 1, 2], 40)
    subject = np.arange(200)
    error, _ = calibration(clusters_of(subject, subject, seed=0), change, sure(np.full(200, 0.9)))
    assert isinstance(error, Metric)
    assert error.chance is not None
    assert 0 < error.chance < 0.03 < 0.2 < error.low < 0.3 < error.high < 0.4


def test_the_same_seed_draws_the_same_luck():
    said = np.random.default_rng(0).dirichlet([2, 3, 2], 50)
    clusters = clusters_of(np.arange(50), np.arange(50), seed=3)
    one, other = (calibration(clusters, np.arange(50) % 3, said)[0] for _ in range(2))
    assert one == other


@pytest.mark.parametrize("alike", [False, True])
def test_luck_of_a_calibrated_classifier_is_that_of_its_subjects_where_their_answers_are_alike(alike: bool):
    held, values, chances = 0, [], []
    subject = np.arange(90) // 3
    for seed in range(50):
        rng = np.random.default_rng(seed)
        own = np.arange(30)[subject] if alike else np.arange(90)
        said, luck = rng.dirichlet([2, 3, 2], 90)[own], rng.random(90)[own]
        change = (said.cumsum(axis=1) > luck[:, None]).argmax(axis=1)
        error, _ = calibration(clusters_of(subject, subject, seed=0), change, said)
        assert isinstance(error, Metric) and error.chance is not None
        held, values, chances = held + (error.low == 0), [*values, error.value], [*chances, error.chance]
    assert held >= 45
    assert np.mean(chances) == pytest.approx(np.mean(values), rel=0.12)


@pytest.mark.parametrize(("hits", "likeness"), [([1, 1, 0, 0, 1, 1, 0, 0], 1), ([1, 0, 0, 1, 1, 0, 1, 0], 0)])
def test_likeness_is_1_where_a_subject_is_always_right_or_never_and_0_where_it_alternates(hits, likeness):
    subject = np.arange(8) // 2
    found = likeness_of_hits(clusters_of(subject, subject, seed=0), np.full(8, 0.5), np.array(hits, bool))
    assert found == likeness


def test_likeness_of_one_answer_a_subject_is_0():
    assert likeness_of_hits(clusters_of(np.arange(6), np.arange(6), 0), np.full(6, 0.5), np.arange(6) < 3) == 0
