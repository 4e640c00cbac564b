from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.contrastive.retrieval import (
    average_precision,
    cosine_similarity,
    gap_positives,
    other_scanners,
    other_sessions,
    retrieval_difference,
    retrieval_metric,
    retrieve,
    top1,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric


def scans(*rows: tuple[str, str, float, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject", "session", "day", "scanner"])


TWO_EACH = scans(*[(subject, session, 400.0 * (session == "2"), "A") for subject in "abc" for session in "12"])


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def queries(table: pd.DataFrame, vectors: np.ndarray) -> pd.DataFrame:
    return retrieve(table, cosine_similarity(vectors), other_sessions(table))


def plain_average_precision(relevant: tuple[bool, ...]) -> float:
    precisions = [sum(relevant[: rank + 1]) / (rank + 1) for rank, hit in enumerate(relevant) if hit]
    return sum(precisions) / len(precisions)


def test_identity_is_found_in_every_scan():
    found = queries(TWO_EACH, np.repeat(np.eye(3), 2, axis=0))
    assert found["top1"].tolist() == [1.0] * 6
    assert found["average_precision"].tolist() == [1.0] * 6


def test_length_of_embeddings_does_not_matter():
    vectors = rng().normal(size=(6, 4))
    stretched = vectors * np.arange(1, 7)[:, None]
    pd.testing.assert_frame_equal(queries(TWO_EACH, vectors), queries(TWO_EACH, stretched))


def test_chance_is_the_share_of_right_scans_in_the_gallery():
    assert queries(TWO_EACH, rng().normal(size=(6, 4)))["chance_top1"].tolist() == [1 / 5] * 6


def test_collapsed_encoder_scores_chance_exactly():
    found = queries(TWO_EACH, np.ones((6, 4)))
    assert found["top1"].tolist() == found["chance_top1"].tolist()
    assert found["average_precision"].tolist() == found["chance_average_precision"].tolist()


def test_average_precision_without_ties_is_the_textbook_one():
    relevant = np.array([False, True, False, True, True])
    scores = np.array([0.9, 0.8, 0.5, 0.3, 0.1])
    assert average_precision(scores, relevant) == pytest.approx(plain_average_precision(tuple(relevant)))


@pytest.mark.parametrize("scores", [[1, 1, 1, 1, 1], [2, 1, 1, 1, 0], [2, 2, 1, 1, 1]])
def test_average_precision_with_ties_is_the_mean_over_their_orders(scores: list[float]):
    relevant = [False, True, True, False, True]
    orders = [order for order in permutations(range(5)) if sorted(scores, reverse=True) == [scores[i] for i in order]]
    expected = np.mean([plain_average_precision(tuple(relevant[i] for i in order)) for order in orders])
    assert average_precision(np.array(scores, float), np.array(relevant)) == pytest.approx(expected)


def test_tie_for_the_nearest_counts_by_its_share():
    assert top1(np.array([1.0, 1.0, 0.0]), np.array([True, False, True])) == 0.5


def test_second_run_of_the_session_is_neither_found_nor_in_the_way():
    table = scans(("a", "1", 0, "A"), ("a", "1", 0, "A"), ("a", "2", 9, "A"), ("b", "1", 0, "A"))
    found = queries(table, np.array([[1.0, 0], [1, 0], [1, 0.5], [0, 1]]))
    assert len(found) == 3
    assert found["top1"].tolist() == [1.0, 1.0, 1.0]
    assert found["chance_top1"].tolist() == [1 / 2, 1 / 2, 2 / 3]


def test_subject_with_one_session_is_only_in_the_gallery():
    table = scans(("a", "1", 0, "A"), ("a", "2", 9, "A"), ("b", "1", 0, "A"))
    assert set(queries(table, np.eye(3))["subject"]) == {"a"}


def test_metric_weighs_subjects_alike():
    table = pd.DataFrame(
        {"subject": ["a", "a", "a", "b"], "top1": [1.0, 1.0, 1.0, 0.0], "chance_top1": [0.1, 0.1, 0.1, 0.3]}
    )
    metric = retrieval_metric(table, "top1")
    assert isinstance(metric, Metric)
    assert (metric.value, metric.chance) == (0.5, pytest.approx(0.2))
    assert (metric.n_subjects, metric.n_items) == (2, 4)


def test_single_subject_has_nobody_to_be_mistaken_for():
    table = scans(("a", "1", 0, "A"), ("a", "2", 9, "A"))
    assert isinstance(retrieval_metric(queries(table, np.eye(2)), "top1"), Absent)


def test_no_second_session_gives_a_reason():
    table = scans(("a", "1", 0, "A"), ("b", "1", 0, "A"))
    outcome = retrieval_metric(queries(table, np.eye(2)), "top1")
    assert isinstance(outcome, Absent)


def test_difference_is_paired_by_subject():
    good, bad = queries(TWO_EACH, np.repeat(np.eye(3), 2, axis=0)), queries(TWO_EACH, np.ones((6, 4)))
    difference = retrieval_difference(good, bad)
    assert isinstance(difference, Metric)
    assert difference.value == pytest.approx(0.8)
    assert difference.low < 0.8 < difference.high


def test_gap_bins_hold_pairs_of_that_distance_only():
    table = scans(("a", "1", 0, "A"), ("a", "2", 200, "A"), ("a", "3", 1000, "A"), ("b", "1", 0, "A"))
    bins = gap_positives(table)
    assert list(bins) == ["0–1 years", "2–4 years"]
    assert bins["0–1 years"].sum() == 2


def test_ages_a_year_apart_are_a_year_apart_whatever_their_last_bit():
    for age in np.arange(600, 800) / 10:
        table = scans(("a", "1", age * 365.25, "A"), ("a", "2", (age + 1) * 365.25, "A"))
        assert list(gap_positives(table)) == ["1–2 years"]


def test_scans_of_the_subject_at_another_gap_leave_the_gallery():
    table = scans(("a", "1", 0, "A"), ("a", "2", 200, "A"), ("a", "3", 1000, "A"), ("b", "1", 0, "A"))
    far = gap_positives(table)["2–4 years"]
    found = retrieve(table, cosine_similarity(np.ones((4, 2))), far)
    assert found["chance_top1"].tolist() == [1 / 2, 1 / 2, 2 / 3]


def test_unknown_scanner_is_not_another_scanner():
    table = scans(("a", "1", 0, "A"), ("a", "2", 1, "B"), ("a", "3", 2, None), ("b", "1", 0, "B"))
    assert np.argwhere(other_scanners(table)).tolist() == [[0, 1], [1, 0]]
