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
    """All that the likelihood needs of the scans: sums of squares and products over all scans, and those of the sums
    over each subject's scans, which are added up over the subjects with as many scans.
    """

    counts: Float[np.ndarray, " count"]  # of a subject's scans
    subjects: Float[np.ndarray, " count"]  # with so many
    design: Float[np.ndarray, "count effect effect"]
    cross: Float[np.ndarray, "count effect dimension"]
    values: Float[np.ndarray, "count dimension"]
    design_squared: Float[np.ndarray, "effect effect"]
    design_values: Float[np.ndarray, "effect dimension"]
    values_squared: Float[np.ndarray, " dimension"]

    @property
    def freedom(self) -> float:
        return float(self.counts @ self.subjects) - len(self.design_squared)


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


def studentise(
    residual: Float[np.ndarray, "scan dimension"], subject: Int[np.ndarray, " scan"], ratio: Ratios
) -> Float[np.ndarray, "scan dimension"]:
    """What fixed effects and the predicted intercept leave of each scan, as variable as the rest of the model.

    The prediction takes part of the rest, and the more of it the fewer scans a subject has: what is left of `n` scans
    has 1 − ratio / (1 + n · ratio) of the variance of the rest, and is divided by the root of this.

    Source: conditional residuals, whose covariance is the rest's variance times the inverse of the scaled covariance of
    the scans, Haslett and Haslett 2007, Int. Stat. Rev. 75:1, section 3.
    """
    left = residual - predict_intercept(residual, subject, ratio)
    counts = np.bincount(subject)[subject][:, None]
    return left / np.sqrt(1 - ratio / (1 + counts * ratio))


def subject_sums(
    design: Float[np.ndarray, "scan effect"],
    values: Float[np.ndarray, "scan dimension"],
    subject: Int[np.ndarray, " scan"],
) -> SubjectSums:
    scans = np.bincount(subject)
    of_design = np.zeros((len(scans), design.shape[1]))
    of_values = np.zeros((len(scans), values.shape[1]))
    np.add.at(of_design, subject, design)
    np.add.at(of_values, subject, values)
    counts = np.unique(scans)
    groups = [np.flatnonzero(scans == count) for count in counts]
    return SubjectSums(
        counts=counts.astype(float),
        subjects=np.array([len(group) for group in groups], float),
        design=np.stack([of_design[group].T @ of_design[group] for group in groups]),
        cross=np.stack([of_design[group].T @ of_values[group] for group in groups]),
        values=np.stack([(of_values[group] ** 2).sum(axis=0) for group in groups]),
        design_squared=design.T @ design,
        design_values=design.T @ values,
        values_squared=(values**2).sum(axis=0),
    )


def solve(sums: SubjectSums, ratio: Ratios) -> tuple[Float[np.ndarray, "effect dimension"], Ratios, Ratios]:
    """Coefficients by generalised least squares, their sum of squares, and the logarithm of a determinant."""
    taken = ratio[:, None] / (1 + ratio[:, None] * sums.counts)  # a subject's mean counts less than its scans
    normal = sums.design_squared - np.tensordot(taken, sums.design, axes=1)
    right = sums.design_values.T - np.einsum("dc,ced->de", taken, sums.cross)
    squares = sums.values_squared - np.einsum("dc,cd->d", taken, sums.values)
    coefficients = np.linalg.solve(normal, right[..., None])[..., 0]
    left = squares - np.einsum("de,de->d", coefficients, right)
    return coefficients.T, np.maximum(left, np.finfo(float).tiny), np.linalg.slogdet(normal)[1]


def deviance(sums: SubjectSums, ratio: Ratios) -> Ratios:
    """−2 log restricted likelihood, less a constant."""
    _, squares, determinant = solve(sums, ratio)
    spread = np.log1p(ratio[:, None] * sums.counts) @ sums.subjects
    return spread + determinant + sums.freedom * np.log(squares)


def best_ratio(sums: SubjectSums) -> Ratios:
    """Golden section around the best point of a grid; 0 where nothing above it is likelier."""
    dimension = len(sums.values_squared)
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
