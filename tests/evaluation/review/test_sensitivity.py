import numpy as np
import pytest
from scipy.stats import t

from clinimcl.evaluation.review.sensitivity import (
    Occluded,
    correlation,
    judged,
    maps_of,
    mean_correlation,
    sensitivity,
    sensitivity_sentence,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric


def weighing(weights):
    """A network that sums both scans by its weights."""
    return lambda earlier, later: ((earlier + later) * weights).sum(axis=(1, 2, 3))


def pair(seed: int, same: bool):
    rng = np.random.default_rng(seed)
    scans = rng.uniform(0.2, 1, size=(2, 12, 12, 12)).astype(np.float32)
    weights = np.linspace(-1, 1, 12)[:, None, None] ** 3 + rng.normal(size=(12, 12, 12))
    chance = np.random.default_rng(seed + 100).normal(size=(12, 12, 12))
    other = weights + 0.1 * chance if same else chance
    return lambda: Occluded(*scans, weighing(weights), weighing(other))


def test_a_network_that_did_not_change_draws_the_same_map():
    found = sensitivity([pair(seed, same=True) for seed in range(6)], "the answer")
    assert min(found.each) > 0.9 and len(found.maps) == 6
    assert "says nothing about what was learned" in sensitivity_sentence(found)


def test_a_network_that_changed_draws_another_one():
    found = sensitivity([pair(seed, same=False) for seed in range(6)], "the answer")
    assert isinstance(found.correlation, Metric) and found.correlation.high < 0.5
    assert "may say something" in sensitivity_sentence(found)


def test_an_interval_on_both_sides_of_the_limit_decides_nothing():
    assert "cannot be told" in judged(Metric(0.5, 0.3, 0.7, 6, 6))


def test_the_mean_of_correlations_is_taken_where_they_are_normal():
    found = mean_correlation([0.1, 0.2, 0.5, float("nan"), 0.8, 0.6])
    transformed = np.arctanh([0.1, 0.2, 0.5, 0.8, 0.6])
    half = t.ppf(0.975, 4) * transformed.std(ddof=1) / np.sqrt(5)
    ends = np.tanh([transformed.mean(), transformed.mean() - half, transformed.mean() + half])
    assert found[:3] == pytest.approx(tuple(ends)) and found.n_subjects == 5


def test_signs_do_not_count():
    effects = np.random.default_rng(0).normal(size=(6, 6, 6))
    assert correlation(effects, -effects) == pytest.approx(1.0)


def test_a_map_without_effect_has_no_correlation():
    assert np.isnan(correlation(np.zeros((6, 6, 6)), np.zeros((6, 6, 6))))


def test_a_clip_is_hidden_over_all_its_frames():
    frames = np.random.default_rng(0).uniform(0.2, 1, size=(2, 4, 14, 14)).astype(np.float32)
    maps = maps_of(Occluded(*frames, weighing(np.ones((4, 14, 14))), weighing(np.ones((4, 14, 14)))))
    assert maps[0].shape == (1, 7, 7)


def test_four_subjects_judge_nothing():
    found = sensitivity([pair(seed, same=True) for seed in range(4)], "the answer")
    assert isinstance(found.correlation, Absent) and "cannot be said" in sensitivity_sentence(found)
    assert isinstance(sensitivity([], "the answer"), Absent)
