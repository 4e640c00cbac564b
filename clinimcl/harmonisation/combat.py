"""ComBat and longitudinal ComBat of embeddings: fitted on some people, applied to others of the same sites.

`combatlearn` 2.3 is not used: it shrinks each dimension's effects towards their mean over sites, not each site's
effects towards their mean over dimensions as Johnson et al. do, and takes the intercept of a new subject for 0.
`neuroHarmonize` has no longitudinal form, and its model is a pickle, which nothing here reads.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.errors import UserError
from clinimcl.harmonisation.covariates import Covariates, covariate_design, fit_covariates
from clinimcl.harmonisation.random_intercept import RandomIntercept, fit_random_intercept, predict_intercept, studentise
from clinimcl.harmonisation.shrinkage import shrink

LEAST_SUBJECTS = 3  # with scans at a site: of fewer, what is the person would count as the site
SMALLEST_DEVIATION = 1e-6  # of a dimension that varies, beside its largest value


class Harmonisation(NamedTuple):
    """What was fitted, in plain numbers."""

    method: str  # of settings.HARMONISATIONS
    factor: str  # column of the scan table: scanner or site
    sites: list[str]
    covariates: Covariates
    mean: Float[np.ndarray, " dimension"]
    weights: Float[np.ndarray, "covariate dimension"]
    scale: Float[np.ndarray, " dimension"]  # deviation of the rest
    effects: Float[np.ndarray, "site dimension"]  # of sites, in units of the embedding, not shrunk
    shift: Float[np.ndarray, "site dimension"]  # in units of `scale`, shrunk
    variance: Float[np.ndarray, "site dimension"]  # likewise
    ratio: Float[np.ndarray, " dimension"]  # variance of subjects over that of the rest; 0 for combat


def fit_harmonisation(
    method: str, vectors: Float[np.ndarray, "scan dimension"], scans: pd.DataFrame, factor: str
) -> Harmonisation:
    """Of training scans alone; `factor` is the column of sites or scanners, age and sex are preserved.

    The score is not among what is preserved, as it would have to be known of whom the model is asked about. With
    `longitudinal`, sites' scales are told from what is left of scans beside their subject; where people change sites,
    each scan's rest goes into the others' too, so that scales are brought together in part only.

    Sources: Johnson et al. 2007; Fortin et al. 2018, NeuroImage 167:104 (covariates); Beer et al. 2020, NeuroImage
    220:117129 (`longitudinal`: the subject's random intercept is part of what is standardised).

    Raises:
        UserError: fewer than two sites have scans of three subjects.
    """
    sites = checked_sites(method, scans, factor)
    table = scans[scans[factor].isin(sites)]
    values = vectors[scans[factor].isin(sites).to_numpy(bool)].astype(float)
    site = site_codes(table[factor], sites)
    marks = np.eye(len(sites))[site]
    covariates = fit_covariates(table, marks)
    design = np.hstack([marks, covariate_design(covariates, table)])
    model = fit_mean(method, design, values, subject_codes(table))
    mean = marks.mean(axis=0) @ model.coefficients[: len(sites)]
    effects = model.coefficients[: len(sites)] - mean
    deviation = np.sqrt(model.variance)
    varied = deviation > SMALLEST_DEVIATION * np.abs(values).max(axis=0)
    scale = np.where(varied, deviation, 1.0)
    residual = studentise(values - design @ model.coefficients, subject_codes(table), model.ratio)
    # A shift of what does not vary would tell the site better than anything before.
    shift = np.zeros_like(effects)
    variance = np.ones_like(effects)
    standardised = (residual + effects[site]) / scale
    shift[:, varied], variance[:, varied] = shrink_sites(standardised[:, varied], (effects / scale)[:, varied], site)
    if method == "longitudinal":
        variance /= marks.mean(axis=0) @ variance  # sites are made alike, and what they share keeps its size
    return Harmonisation(
        method=method,
        factor=factor,
        sites=sites,
        covariates=covariates,
        mean=mean,
        weights=model.coefficients[len(sites) :],
        scale=scale,
        effects=effects,
        shift=shift,
        variance=variance,
        ratio=model.ratio,
    )


def checked_sites(method: str, scans: pd.DataFrame, factor: str) -> list[str]:
    """Raises UserError: fewer than two sites have scans of three subjects."""
    sites = fitted_sites(scans, factor)
    if len(sites) < 2:
        raise UserError(
            f"harmonise={method} needs training scans of at least 2 {factor}s with {LEAST_SUBJECTS} subjects each, got "
            f"{len(sites)}: leave harmonise out, or choose a cohort of several {factor}s"
        )
    return sites


def fit_mean(
    method: str,
    design: Float[np.ndarray, "scan effect"],
    values: Float[np.ndarray, "scan dimension"],
    subject: Int[np.ndarray, " scan"],
) -> RandomIntercept:
    """What is expected of a scan: of ComBat by least squares, with no variance of subjects."""
    if method == "longitudinal":
        return fit_random_intercept(design, values, subject)
    coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
    variance = ((values - design @ coefficients) ** 2).mean(axis=0)
    return RandomIntercept(coefficients, np.zeros(values.shape[1]), variance)


def shrink_sites(
    standardised: Float[np.ndarray, "scan dimension"],
    shifts: Float[np.ndarray, "site dimension"],
    site: Int[np.ndarray, " scan"],
) -> tuple[Float[np.ndarray, "site dimension"], Float[np.ndarray, "site dimension"]]:
    """Shifts and variances of all sites, shrunk."""
    shrunk = [shrink(standardised[site == number], own) for number, own in enumerate(shifts)]
    return np.stack([shift for shift, _ in shrunk]), np.stack([variance for _, variance in shrunk])


def harmonise(
    fitted: Harmonisation, vectors: Float[np.ndarray, "scan dimension"], scans: pd.DataFrame
) -> tuple[Float[np.ndarray, "scan dimension"], Bool[np.ndarray, " scan"]]:
    """Embeddings of any people, and which are harmonised: those of a site that was not fitted stay as they are.

    Nothing but a scan's site, age and sex is looked at; what is missing of the latter counts as the mean of training.
    A new subject's intercept is predicted from that subject's scans among these, and stays: between two scans of one
    site it cancels, so that how much they differ afterwards does not hang on how many others there are. Apart, each
    scan would get an intercept of its own, and the change between them with it: give a person's scans together.
    """
    known = scans[fitted.factor].isin(fitted.sites).to_numpy(bool)
    result = vectors.astype(float)
    if not known.any():
        return result, known
    table = scans[known]
    numbers = site_codes(table[fitted.factor], fitted.sites)
    expected = fitted.mean + covariate_design(fitted.covariates, table) @ fitted.weights
    residual = result[known] - expected - fitted.effects[numbers]
    expected = expected + predict_intercept(residual, subject_codes(table), fitted.ratio)
    standardised = (result[known] - expected) / fitted.scale
    without = (standardised - fitted.shift[numbers]) / np.sqrt(fitted.variance[numbers])
    result[known] = without * fitted.scale + expected
    return result, known


def site_codes(values: pd.Series, sites: list[str]) -> Int[np.ndarray, " scan"]:
    """Of scans that are all of these sites."""
    return values.map({name: number for number, name in enumerate(sites)}).to_numpy(int)


def fitted_sites(scans: pd.DataFrame, factor: str) -> list[str]:
    """Known sites of enough subjects, sorted."""
    known = scans[scans[factor].notna() & (scans[factor].astype(str) != "")]
    subjects = known.groupby(factor)["subject"].nunique()
    return sorted(str(name) for name in subjects.index[subjects >= LEAST_SUBJECTS])


def subject_codes(scans: pd.DataFrame) -> Int[np.ndarray, " scan"]:
    return np.asarray(scans["subject"].factorize()[0], dtype=int)
