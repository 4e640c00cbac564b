"""Logits of a pair, asked both ways → calibrated probabilities and a set of answers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import minimize
from scipy.special import log_softmax

COVERED = 0.9  # share of true answers that the set holds
SAME = 1e-9  # probabilities that are no further apart are equal
WEAK = 1e-2  # pull of the rule towards no change
PARTS = 20  # of the subjects, each of which is left out in turn
STABLE = np.array([0.0, 1.0, 0.0])  # deteriorated, stable, improved


class Rule(NamedTuple):
    """Two numbers for two scans that may be exchanged: a bias of improved alone would make their order matter.

    Source: temperature, Guo et al. 2017, section 4.2; the bias of `stable` undoes the balanced classes of the loss.
    """

    temperature: float
    stable: float

    def probabilities(self, logits: Float[np.ndarray, "pair 3"]) -> Float[np.ndarray, "pair 3"]:
        """Exchanged columns of deteriorated and improved come out exchanged to the last bit."""
        scaled = logits / self.temperature + self.stable * STABLE
        size = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return size / (size[:, :1] + size[:, 2:] + size[:, 1:2])


def both_ways(forth: Float[np.ndarray, "pair 3"], back: Float[np.ndarray, "pair 3"]) -> Float[np.ndarray, "pair 3"]:
    """Exchanged scans exchange improved and deteriorated exactly; `back` are the logits of exchanged scans."""
    return (forth.astype(float) + back[:, ::-1].astype(float)) / 2


def fit(
    logits: Float[np.ndarray, "pair 3"], change: Int[np.ndarray, " pair"], weight: Float[np.ndarray, " pair"]
) -> Rule:
    """The least weighted cross-entropy."""
    true = np.eye(len(STABLE))[change]

    def loss(parameters: Float[np.ndarray, "2"]) -> tuple[float, Float[np.ndarray, "2"]]:
        sharpened = logits * np.exp(parameters[0])
        said = log_softmax(sharpened + parameters[1] * STABLE, axis=1)
        pull = weight[:, None] * (np.exp(said) - true)
        slope = np.array([(pull * sharpened).sum(), (pull * STABLE).sum()])
        # a weak pull towards no change, or separable pairs would be made certain without end
        weak = WEAK * float(parameters @ parameters)
        return weak - float(weight @ (said * true).sum(axis=1)), slope + 2 * WEAK * parameters

    sharpness, stable = minimize(loss, np.zeros(2), method="L-BFGS-B", jac=True).x
    return Rule(float(np.exp(-sharpness)), float(stable))


def cross_fitted(
    logits: Float[np.ndarray, "pair 3"], change: Int[np.ndarray, " pair"], subject: Int[np.ndarray, " pair"]
) -> Float[np.ndarray, "pair 3"]:
    """Probabilities of each subject's pairs by a rule that other subjects taught.

    Subjects are left out one by one, or in 20 parts where there are more; each subject counts as one.

    Source: out-of-fold scores, Barber et al. 2021, Predictive inference with the jackknife+, section 3 (CV+).
    """
    part = np.unique(subject, return_inverse=True)[1] % PARTS
    weight = 1 / np.bincount(subject)[subject]
    probabilities = np.empty_like(logits)
    for number in np.unique(part):
        others = part != number
        rule = fit(logits[others], change[others], weight[others])
        probabilities[~others] = rule.probabilities(logits[~others])
    return probabilities


def covering(off: Float[np.ndarray, " item"], subject: Int[np.ndarray, " item"]) -> float | None:
    """What 90 % of new people's items do not exceed; each subject counts as one. None where they are too few.

    Source: conformal prediction for groups, Lee, Barber and Willett 2023, section 3 (HCP).
    """
    subjects, place, counts = np.unique(subject, return_inverse=True, return_counts=True)
    weight = 1 / (len(subjects) + 1) / counts[place]
    order = np.argsort(off, kind="stable")
    reached = np.cumsum(weight[order]) >= COVERED - 1e-12
    return float(off[order][reached.argmax()]) if reached.any() else None


def least_probability(
    probabilities: Float[np.ndarray, "pair 3"], change: Int[np.ndarray, " pair"], subject: Int[np.ndarray, " pair"]
) -> float | None:
    """From which probability on an answer is in the set that holds the true one for 90 % of new people.

    Of `cross_fitted` probabilities: those of the rule that the same people taught are surer than those of new people,
    and their sets held the truth for 87 % where 10 people taught them (experiments/conformal_sets).
    """
    found = covering(-probabilities[np.arange(len(change)), change], subject)
    return None if found is None else -found


def answer_set(probabilities: Float[np.ndarray, "pair 3"], least: float) -> Bool[np.ndarray, "pair 3"]:
    """The likeliest answers, at least one: with each, all that are likelier, or as likely but for rounding.

    Source: least ambiguous sets, Sadinle, Lei and Wasserman 2019, eq. 5.
    """
    highest = probabilities.max(axis=1, keepdims=True)
    return probabilities >= np.minimum(least, highest) - SAME
