import numpy as np
import pytest
from scipy.special import softmax

from clinimcl.inference.calibration import Rule, answer_set, both_ways, covering, fit, least_probability


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


def test_sets_hold_the_true_answer_for_nine_of_ten_new_people():
    held = []
    for seed in range(300):
        generator = np.random.default_rng(seed)
        probabilities = softmax(1.5 * generator.normal(size=(80, 3)), axis=1)
        change = (generator.random((80, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        subject = np.arange(80) // 2
        least = least_probability(probabilities[:60], change[:60], subject[:60])
        held.append(answer_set(probabilities[60:], least)[np.arange(20), change[60:]].mean())
    assert 0.89 < np.mean(held) < 0.94


def test_the_likeliest_answer_is_always_in_the_set():
    assert answer_set(np.array([[0.3, 0.4, 0.3]]), 0.9).tolist() == [[False, True, False]]
