import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.contrastive.sessions import Sessions, unit
from clinimcl.evaluation.contrastive.stability import (
    apart,
    effective_rank,
    longitudinal_distances,
    stability,
    subject_sums,
    total_variance,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome


def sessions(vectors: np.ndarray, visits: int = 2) -> Sessions:
    subject = np.repeat(np.arange(len(vectors) // visits), visits)
    table = pd.DataFrame({"subject": subject.astype(str), "session": np.arange(len(vectors)), "day": 1.0})
    return Sessions(table, unit(vectors.astype(float)))


def measured(vectors: np.ndarray) -> dict[str, Outcome]:
    return stability(sessions(vectors))


def noisy(noise: float, subjects: int = 12) -> np.ndarray:
    source = np.random.default_rng(0)
    identity = np.repeat(source.normal(size=(subjects, 16)), 2, axis=0)
    return identity + noise * source.normal(size=identity.shape)


def value(outcome: Outcome) -> float:
    assert isinstance(outcome, Metric)
    assert outcome.low <= outcome.value <= outcome.high
    assert outcome.low < outcome.high
    return outcome.value


def test_distance_between_right_angles_is_one():
    distances = longitudinal_distances(sessions(np.array([[1, 0], [0, 1], [1, 0], [1, 0]])))
    assert distances.tolist() == [1.0, 0.0]


def test_distances_of_subjects_agree_with_a_loop():
    vectors, subject = unit(noisy(1.0)), np.repeat(np.arange(12), 2)
    loop = [1 - vectors[i] @ vectors[j] for i in range(24) for j in range(24) if subject[i] != subject[j]]
    assert apart(*subject_sums(vectors, subject)).value == pytest.approx(np.mean(loop))


def test_distance_without_a_subject_is_that_of_the_others():
    sums, size = subject_sums(unit(noisy(1.0)), np.r_[0, 0, np.repeat(np.arange(11), 2)])
    without = [apart(np.delete(sums, one, axis=0), np.delete(size, one)).value for one in range(11)]
    assert apart(sums, size).left_out == pytest.approx(np.array(without))


def test_stable_subjects_have_a_small_ratio():
    assert value(measured(noisy(0.1))["distance_ratio"]) < 0.1


def test_encoder_without_identity_has_a_ratio_near_one():
    ratio = measured(np.random.default_rng(1).normal(size=(80, 16)))["distance_ratio"]
    assert value(ratio) == pytest.approx(1, abs=0.1)


def test_collapse_shows_in_every_number_and_none_is_certain():
    outcomes = measured(np.ones((20, 4)))
    assert value(outcomes["effective_rank"]) == pytest.approx(1)
    for name in ("longitudinal_distance", "between_subject_distance", "total_variance"):
        assert value(outcomes[name]) == pytest.approx(0, abs=1e-9)
    assert isinstance(outcomes["distance_ratio"], Absent)


def test_effective_rank_of_orthogonal_directions_is_their_number():
    assert effective_rank(np.tile(np.eye(5, 9), (3, 1))) == pytest.approx(5)


def test_effective_rank_is_the_exponential_of_the_entropy():
    singular = np.linalg.svd(noisy(0.5), compute_uv=False)
    share = singular / singular.sum()
    assert effective_rank(noisy(0.5)) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


def test_dead_encoder_has_rank_one():
    assert effective_rank(np.zeros((4, 3))) == 1.0


def test_total_variance_is_that_of_unit_vectors():
    vectors = unit(noisy(1.0, subjects=400))
    found = total_variance(*subject_sums(vectors, np.repeat(np.arange(400), 2)))
    assert found.value == pytest.approx(vectors.var(axis=0).sum(), abs=0.005)


def test_total_variance_of_few_subjects_is_that_of_many():
    source, subject = np.random.default_rng(0), np.repeat(np.arange(10), 2)
    drawn = [unit(0.5 + source.normal(size=(20, 16))) for _ in range(300)]
    found = [total_variance(*subject_sums(vectors, subject)).value for vectors in drawn]
    mean = np.mean(drawn, axis=(0, 1))
    assert np.mean(found) == pytest.approx(1 - mean @ mean, abs=0.01)


def test_two_subjects_have_distances_but_no_interval_over_pairs():
    outcomes = measured(noisy(0.1, subjects=2))
    assert isinstance(outcomes["longitudinal_distance"], Metric)
    assert isinstance(outcomes["between_subject_distance"], Absent)
