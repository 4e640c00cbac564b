"""Logits of a pair, asked both ways → calibrated probabilities and a set of answers."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import minimize
from scipy.special import log_softmax

COVERED = 0.9  # share of true answers that the set holds
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

    def loss(parameters: Float[np.ndarray, "2"]) -> float:
        scaled = logits * np.exp(parameters[0]) + parameters[1] * STABLE
        # a weak pull towards no change, or separable pairs would be made certain without end
        return float(-(weight @ log_softmax(scaled, axis=1)[np.arange(len(change)), change])) + 1e-2 * float(
            parameters @ parameters
        )

    sharpness, stable = minimize(loss, np.zeros(2), method="L-BFGS-B").x
    return Rule(float(np.exp(-sharpness)), float(stable))


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
    """From which probability on an answer is in the set that holds the true one for 90 % of new people."""
    found = covering(1 - probabilities[np.arange(len(change)), change], subject)
    return None if found is None else 1 - found


def answer_set(probabilities: Float[np.ndarray, "pair 3"], least: float) -> Bool[np.ndarray, "pair 3"]:
    """The likeliest answer is always in it."""
    return (probabilities >= least) | (probabilities == probabilities.max(axis=1, keepdims=True))
