"""What harmonisation preserves: age and sex, as far as training people have them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

NAMES = ("age", "sex")
MALE = "M"


class Covariates(NamedTuple):
    """Those that training people differ in, beside their sites, and their means and deviations there."""

    names: list[str]
    means: list[float]
    deviations: list[float]


def fit_covariates(scans: pd.DataFrame, sites: Float[np.ndarray, "scan site"]) -> Covariates:
    """A covariate that sites already tell is left out, since nothing can tell the two apart."""
    chosen = Covariates([], [], [])
    design = sites
    for name in NAMES:
        values = covariate(scans, name)
        deviation = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
        if deviation == 0:
            continue
        mean = float(np.nanmean(values))
        column = np.nan_to_num((values - mean) / deviation)
        wider = np.column_stack([design, column])
        if np.linalg.matrix_rank(wider) > np.linalg.matrix_rank(design):
            chosen = add_covariate(chosen, name, mean, deviation)
            design = wider
    return chosen


def add_covariate(covariates: Covariates, name: str, mean: float, deviation: float) -> Covariates:
    return Covariates(
        [*covariates.names, name],
        [*covariates.means, mean],
        [*covariates.deviations, deviation],
    )


def covariate_design(covariates: Covariates, scans: pd.DataFrame) -> Float[np.ndarray, "scan covariate"]:
    """Standardised as training people were; 0, their mean, where a scan's is not known."""
    columns = [np.zeros((len(scans), 0))]
    for name, mean, deviation in zip(*covariates, strict=True):
        values = (covariate(scans, name) - mean) / deviation
        columns.append(np.nan_to_num(values)[:, None])
    return np.hstack(columns)


def covariate(scans: pd.DataFrame, name: str) -> Float[np.ndarray, " scan"]:
    """As a number: sex is 1 for men and 0 for women. NaN where it is not known."""
    if name not in scans:
        return np.full(len(scans), np.nan)
    if name == "sex":
        known = scans[name].isin(["F", MALE])
        return (scans[name] == MALE).astype(float).where(known).to_numpy(float)
    return pd.to_numeric(scans[name], errors="coerce").to_numpy(float)
