import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from clinimcl.inference.calibration import Rule, answer_set, both_ways, covering, cross_fitted, fit, least_probability
from experiments.conformal_sets.coverage import SHARES, WAYS, measure


def logits(pairs, seed=0):
    return np.random.default_rng(seed).normal(size=(pairs, 3))


def test_exchanged_scans_exchange_improved_and_deteriorated_exactly():
    forth, back = logits(5), logits(5, seed=1)
    rule = Rule(0.7, 0.4)
    one, other = rule.probabilities(both_ways(forth, back)), rule.probabilities(both_ways(back, forth))
    np.testing.assert_array_equal(one, other[:, ::-1])


def test_logits_that_are_too_sharp_are_tempered():
    true = 0.8 * logits(20000)
    uniform = np.random.default_rng(1).random((len(true), 1))
    change = (uniform > softmax(true, axis=1).cumsum(axis=1)).sum(axis=1)
    rule = fit(4 * true, change, np.ones(len(true)))
    assert rule.temperature == pytest.approx(4, rel=0.1)
    assert rule.stable == pytest.approx(0, abs=0.1)


def test_pairs_that_are_mostly_stable_make_stable_likelier():
    change = np.array([1] * 90 + [0] * 5 + [2] * 5)
    rule = fit(np.zeros((100, 3)), change, np.ones(100))
    assert rule.probabilities(np.zeros((1, 3)))[0] == pytest.approx([0.05, 0.9, 0.05], abs=0.01)


def test_separable_pairs_do_not_become_certain_without_end():
    rule = fit(np.eye(3), np.arange(3), np.ones(3))
    assert rule.temperature > 0.01


def naive_covering(off, subject):
    """Least t for which the mean over subjects (one more, at infinity) of their share of items up to t reaches 0.9."""
    people = sorted(set(subject))
    for t in sorted(off):
        shares = [np.mean([o <= t for o, s in zip(off, subject, strict=True) if s == person]) for person in people]
        if sum(shares) / (len(people) + 1) >= 0.9 - 1e-12:
            return t
    return None


@pytest.mark.parametrize("people", [3, 9, 12, 40])
def test_covering_is_as_its_definition(people):
    generator = np.random.default_rng(people)
    subject = np.repeat(np.arange(people), generator.integers(1, 6, people))
    off = generator.random(len(subject))
    assert covering(off, subject) == naive_covering(off, subject)


def test_too_few_people_make_no_set():
    assert covering(np.arange(8.0), np.arange(8)) is None
    assert covering(np.arange(9.0), np.arange(9)) == 8


def people(subjects, seed=0):
    generator = np.random.default_rng(seed)
    subject = np.repeat(np.arange(subjects), generator.integers(1, 4, subjects))
    given = logits(len(subject), seed)
    return 3 * given, (generator.random((len(given), 1)) > softmax(given, axis=1).cumsum(axis=1)).sum(axis=1), subject


@pytest.mark.parametrize("subjects", [1, 2, 7, 50])
def test_a_subject_s_probabilities_are_by_a_rule_of_others(subjects):
    given, change, subject = people(subjects)
    probabilities = cross_fitted(given, change, subject)
    part = subject % 20
    for own in range(subjects):
        others = part != own % 20
        rule = fit(given[others], change[others], 1 / np.bincount(subject)[subject][others])
        np.testing.assert_array_equal(probabilities[subject == own], rule.probabilities(given[subject == own]))


def test_another_truth_of_a_subject_leaves_its_own_probabilities_alone():
    given, change, subject = people(12)
    other = np.where(subject == 5, (change + 1) % 3, change)
    one, two = (cross_fitted(given, own, subject)[subject == 5] for own in (change, other))
    np.testing.assert_array_equal(one, two)


def test_the_rule_has_the_least_cross_entropy():
    given, change, subject = people(40)
    weight = 1 / np.bincount(subject)[subject]

    def loss(parameters):
        scaled = given * np.exp(parameters[0]) + parameters[1] * np.array([0, 1, 0])
        picked = log_softmax(scaled, axis=1)[np.arange(len(change)), change]
        return -(weight @ picked) + 1e-2 * (parameters @ parameters)

    expected = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    rule = fit(given, change, weight)
    assert (-np.log(rule.temperature), rule.stable) == pytest.approx(expected, abs=1e-4)


def test_too_few_people_make_no_limit():
    given, change, subject = people(8)
    assert least_probability(cross_fitted(given, change, subject), change, subject) is None


def test_the_pair_that_sets_the_limit_is_held_whatever_its_last_bit():
    """1 - (1 - p) is more than p for 0.3."""
    probabilities = np.tile([0.3, 0.36, 0.34], (9, 1))
    limit = least_probability(probabilities, np.zeros(9, int), np.arange(9))
    assert answer_set(probabilities, limit).all()


def test_equal_probabilities_enter_together():
    probabilities = np.array([[0.1 + 0.2, 0.4, 0.3], [0.3, 0.4, 0.1 + 0.2], [0.4, 0.2, 0.4 - 1e-16]])
    for limit in (0.3, 0.1 + 0.2, 0.39, 0.9):
        within = answer_set(probabilities, limit)
        assert (within[:, 0] == within[:, 2]).all()


def test_a_set_is_the_beginning_of_the_answers_by_probability():
    probabilities = softmax(logits(200), axis=1)
    for limit in np.linspace(0, 1, 21):
        within = np.take_along_axis(answer_set(probabilities, limit), np.argsort(-probabilities, axis=1), axis=1)
        assert within[:, 0].all()
        assert (within[:, :-1] >= within[:, 1:]).all()


def test_sets_by_others_hold_the_truth_of_new_people_where_those_by_the_same_do_not():
    """A part of experiments/conformal_sets."""
    found = {way: measure(own, 10, (1, 1), SHARES["a third each"], 80).coverage for way, own in WAYS.items()}
    assert found["same people"] < 0.9
    assert found["others"] > 0.92


def test_the_likeliest_answer_is_always_in_the_set():
    assert answer_set(np.array([[0.3, 0.4, 0.3]]), 0.9).tolist() == [[False, True, False]]
