import dcurves
import numpy as np
import pandas as pd

from clinimcl.evaluation.review.decision import decision_curve, decision_sentences, useful_ranges
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of
from clinimcl.evaluation.statistics.metrics import Absent


def sample(subjects: int = 60, sure: float = 2.0):
    rng = np.random.default_rng(0)
    event = rng.random(2 * subjects) < 0.3
    probability = 1 / (1 + np.exp(-(sure * (2 * event - 1) + rng.normal(size=2 * subjects))))
    subject = np.repeat(np.arange(subjects), 2)
    return event, probability, clusters_of(subject, subject, 0)


def test_net_benefit_is_that_of_dcurves():
    event, probability, clusters = sample()
    found = decision_curve(event, probability, clusters, "").curve.set_index("threshold")
    data = pd.DataFrame({"event": event.astype(int), "model": probability})
    oracle = dcurves.dca(data=data, outcome="event", modelnames=["model"], thresholds=np.arange(1, 100) / 100)
    for name, column in (("model", "net_benefit"), ("all", "treat_all"), ("none", "treat_none")):
        expected = oracle[oracle["model"] == name].set_index("threshold")["net_benefit"]
        np.testing.assert_allclose(found[column], expected.to_numpy(), atol=1e-12)


def test_the_band_holds_the_curve_and_the_difference_is_that_of_the_curves():
    curve = decision_curve(*sample(), "").curve
    assert ((curve["low"] <= curve["net_benefit"]) & (curve["net_benefit"] <= curve["high"])).all()
    np.testing.assert_allclose(curve["minus_treat_all"], curve["net_benefit"] - curve["treat_all"], atol=1e-12)


def test_a_classifier_that_knows_is_useful_and_one_that_guesses_is_not():
    event, probability, clusters = sample()
    assert useful_ranges(decision_curve(event, probability, clusters, "").curve)
    guessed = np.random.default_rng(1).random(len(event))
    assert useful_ranges(decision_curve(event, guessed, clusters, "").curve) == []


def test_ranges_are_runs_of_thresholds():
    low = pd.Series([-1.0, 1, 1, -1, 1])
    curve = pd.DataFrame({"threshold": [0.1, 0.2, 0.3, 0.4, 0.5], "low": low, "minus_treat_all_low": low})
    assert useful_ranges(curve) == [(0.2, 0.3), (0.5, 0.5)]


def test_without_anyone_who_deteriorated_there_is_nothing_to_decide():
    event, probability, clusters = sample()
    absent = decision_curve(np.zeros_like(event), probability, clusters, "")
    assert isinstance(absent, Absent) and "no answer" in absent.reason


def test_sentences_say_where_it_is_useful_and_how_it_was_calibrated():
    said = decision_sentences(decision_curve(*sample(), "Calibrated on 9 pairs."))
    assert "It does more good than treating all" in said[0] and said[1].endswith("Calibrated on 9 pairs.")
