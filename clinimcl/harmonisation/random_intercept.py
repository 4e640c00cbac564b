"""Linear mixed models with a random intercept of the subject, by REML, many dimensions at once.

Dimensions share the fixed effects' design; each has a variance ratio of its own.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Ratios = Float[np.ndarray, " dimension"]
GRID = np.linspace(-4.0, 4.0, 17)  # decimal logarithms of ratios that are tried first
HALVINGS = 30
GOLDEN = (np.sqrt(5) - 1) / 2


class RandomIntercept(NamedTuple):
    """What was fitted. `ratio` is the variance of subjects over that of the rest."""

    coefficients: Float[np.ndarray, "effect dimension"]
    ratio: Ratios
    variance: Float[np.ndarray, " dimension"]  # of the rest


class SubjectSums(NamedTuple):
    """All that the likelihood needs of the scans: sums over each subject, and sums of squares."""

    counts: Float[np.ndarray, " subject"]
    design: Float[np.ndarray, "subject effect"]
    values: Float[np.ndarray, "subject dimension"]
    design_squared: Float[np.ndarray, "effect effect"]
    design_values: Float[np.ndarray, "effect dimension"]
    values_squared: Float[np.ndarray, " dimension"]

    @property
    def freedom(self) -> float:
        return float(self.counts.sum()) - self.design.shape[1]


def fit_random_intercept(
    design: Float[np.ndarray, "scan effect"],
    values: Float[np.ndarray, "scan dimension"],
    subject: Int[np.ndarray, " scan"],
) -> RandomIntercept:
    """`subject` is counted from 0; the columns of the design must be independent.

    Source: restricted likelihood with the residual variance profiled out, Pinheiro and Bates 2000, section 2.2.
    """
    sums = subject_sums(design, values, subject)
    ratio = best_ratio(sums)
    coefficients, squares, _ = solve(sums, ratio)
    return RandomIntercept(coefficients, ratio, squares / sums.freedom)


def predict_intercept(
    residual: Float[np.ndarray, "scan dimension"], subject: Int[np.ndarray, " scan"], ratio: Ratios
) -> Float[np.ndarray, "scan dimension"]:
    """Best linear unbiased prediction of each scan's subject from what fixed effects leave of the subject's scans."""
    counts = np.bincount(subject).astype(float)
    total = np.zeros((len(counts), residual.shape[1]))
    np.add.at(total, subject, residual)
    return (ratio * total / (1 + ratio * counts[:, None]))[subject]


def subject_sums(
    design: Float[np.ndarray, "scan effect"],
    values: Float[np.ndarray, "scan dimension"],
    subject: Int[np.ndarray, " scan"],
) -> SubjectSums:
    counts = np.bincount(subject).astype(float)
    of_design = np.zeros((len(counts), design.shape[1]))
    of_values = np.zeros((len(counts), values.shape[1]))
    np.add.at(of_design, subject, design)
    np.add.at(of_values, subject, values)
    squares = (values**2).sum(axis=0)
    return SubjectSums(counts, of_design, of_values, design.T @ design, design.T @ values, squares)


def solve(sums: SubjectSums, ratio: Ratios) -> tuple[Float[np.ndarray, "effect dimension"], Ratios, Ratios]:
    """Coefficients by generalised least squares, their sum of squares, and the logarithm of a determinant."""
    taken = ratio[:, None] / (1 + ratio[:, None] * sums.counts)  # a subject's mean counts less than its scans
    normal = sums.design_squared - np.einsum("dk,ke,kf->def", taken, sums.design, sums.design)
    right = sums.design_values.T - np.einsum("dk,ke,kd->de", taken, sums.design, sums.values)
    squares = sums.values_squared - np.einsum("dk,kd->d", taken, sums.values**2)
    coefficients = np.linalg.solve(normal, right[..., None])[..., 0]
    left = squares - np.einsum("de,de->d", coefficients, right)
    return coefficients.T, np.maximum(left, np.finfo(float).tiny), np.linalg.slogdet(normal)[1]


def deviance(sums: SubjectSums, ratio: Ratios) -> Ratios:
    """−2 log restricted likelihood, less a constant."""
    _, squares, determinant = solve(sums, ratio)
    spread = np.log1p(ratio[:, None] * sums.counts).sum(axis=1)
    return spread + determinant + sums.freedom * np.log(squares)


def best_ratio(sums: SubjectSums) -> Ratios:
    """Golden section around the best point of a grid; 0 where nothing above it is likelier."""
    dimension = sums.values.shape[1]
    on_grid = np.stack([deviance(sums, np.full(dimension, 10.0**power)) for power in GRID])
    middle = GRID[on_grid.argmin(axis=0)]
    step = GRID[1] - GRID[0]
    low, high = middle - step, middle + step
    for _ in range(HALVINGS):
        left = high - GOLDEN * (high - low)
        right = low + GOLDEN * (high - low)
        below = deviance(sums, 10.0**left) < deviance(sums, 10.0**right)
        low, high = np.where(below, low, left), np.where(below, right, high)
    ratio = 10.0 ** ((low + high) / 2)
    nothing = np.zeros(dimension)
    return np.where(deviance(sums, nothing) <= deviance(sums, ratio), nothing, ratio)
