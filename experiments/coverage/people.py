"""People who are drawn: alike within themselves, skewed, with heavy tails, and of unequal spread."""

from typing import NamedTuple

import numpy as np

from experiments.coverage.design import SHARES, Setting

SAME = 0.6  # how often another answer of a subject is of the class of the first
SIGNAL = 2.5
LARGE = 40_000  # subjects of whom the truth is measured


class Classified(NamedTuple):
    """Answers of two classifiers. Whoever is hard for one is hard for the other."""

    subject: np.ndarray
    change: np.ndarray
    one: np.ndarray  # probabilities
    other: np.ndarray


def classified(rng: np.random.Generator, setting: Setting) -> Classified:
    """Both classifiers are equally good unless there is a real effect: the other is then a worse one."""
    shares = np.array(SHARES[setting.shares])
    subject = np.repeat(np.arange(setting.subjects), setting.answers)
    change = classes(rng, subject, shares)
    person = 0.7 * rng.standard_t(5, (setting.subjects, 3))[subject]
    strength = SIGNAL * rng.gamma(4, 1 / 4, setting.subjects)[subject]
    prior = 0.5 * np.log(shares)
    one = prior + person + rng.normal(size=person.shape) + strength[:, None] * np.eye(3)[change]
    kept = 0.5 if setting.real else 1.0
    other = prior + person + rng.normal(size=person.shape) + kept * strength[:, None] * np.eye(3)[change]
    return Classified(subject, change, softmax(one), softmax(other))


def unknowing(rng: np.random.Generator, drawn: Classified) -> np.ndarray:
    """Probabilities that know nothing of the classes."""
    return softmax(rng.normal(size=drawn.one.shape) + 0.7 * rng.normal(size=drawn.one.shape)[drawn.subject])


def classes(rng: np.random.Generator, subject: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Of each answer; answers of one subject are often alike."""
    drawn = rng.choice(len(shares), size=len(subject), p=shares)
    first = np.flatnonzero(np.r_[True, np.diff(subject) > 0])
    kept = rng.random(len(subject)) < SAME
    return np.where(kept, drawn[first[subject]], drawn)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class Regressed(NamedTuple):
    """Scores in whole points with a ceiling, and two regressions of them."""

    subject: np.ndarray
    score: np.ndarray
    one: np.ndarray
    other: np.ndarray


def regressed(rng: np.random.Generator, setting: Setting) -> Regressed:
    """Both regressions are equally good unless there is a real effect: the other then knows less."""
    subject = np.repeat(np.arange(setting.subjects), setting.answers)
    person = 2.0 + rng.gamma(1.2, 3.0, setting.subjects)
    decline = person[subject] + rng.normal(0, 1.0, len(subject))
    score = np.clip(np.rint(31 - decline), 0, 30)
    one = regression(rng, subject, score, 0.8)
    return Regressed(subject, score, one, regression(rng, subject, score, 0.3 if setting.real else 0.8))


def regression(rng: np.random.Generator, subject: np.ndarray, score: np.ndarray, slope: float) -> np.ndarray:
    """Errors are those of a subject and of a scan, larger the lower the score."""
    spread = 0.6 + 0.1 * (30 - score)
    person = rng.standard_t(5, subject.max() + 1)[subject]
    return 27.0 + slope * (score - 27.0) + spread * (person + rng.normal(size=len(subject))) / 1.6
