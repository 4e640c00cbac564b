"""A cohort's embeddings harmonised by its training people."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.errors import UserError
from clinimcl.harmonisation.combat import LEAST_SUBJECTS, Harmonisation, fit_harmonisation, fitted_sites, harmonise

FACTORS = ("scanner", "site")


class HarmonisedCohort(NamedTuple):
    """Rows as the cohort's; scans without an embedding stay without."""

    vectors: Float[np.ndarray, "scan dimension"]
    fitted: Harmonisation
    unseen: int  # scans of a scanner that training has not, which stay as they are


def common_factor(train: pd.DataFrame) -> str:
    """Scanners, else sites, if training has two with enough subjects; "" where it has neither."""
    return next((name for name in FACTORS if len(fitted_sites(train, name)) > 1), "")


def check_harmonisable(method: str, scans: pd.DataFrame) -> str:
    """The column by which these scans of a cohort are harmonised.

    Raises:
        UserError: training scans are not of two scanners or sites.
    """
    train = scans[scans["split"] == "train"]
    factor = common_factor(train)
    if not factor:
        counts = " and ".join(f"{len(fitted_sites(train, name))} {name}s" for name in FACTORS)
        raise UserError(
            f"harmonise={method} needs training scans of at least 2 known scanners or sites with {LEAST_SUBJECTS} "
            f"subjects each, got {counts}: leave harmonise out, or choose a cohort of several"
        )
    return factor


def harmonise_cohort(
    method: str, vectors: Float[np.ndarray, "scan dimension"], scans: pd.DataFrame
) -> HarmonisedCohort:
    """Fitted on the training scans that have an embedding; a row of NaN is a scan that has none.

    Raises:
        UserError: training scans are not of two scanners or sites.
    """
    there = np.isfinite(vectors).all(axis=1)
    table = scans[there]
    factor = check_harmonisable(method, table)
    train = (table["split"] == "train").to_numpy(bool)
    fitted = fit_harmonisation(method, vectors[there][train], table[train], factor)
    without, known = harmonise(fitted, vectors[there], table)
    result = vectors.copy()
    result[there] = without
    return HarmonisedCohort(result, fitted, int((~known).sum()))


def harmonised_sentence(method: str, cohort: HarmonisedCohort) -> str:
    """For the terminal and the report."""
    known = f"{len(cohort.fitted.sites)} {cohort.fitted.factor}s"
    sentence = f"The classifier reads embeddings after harmonise={method}, fitted on training scans of {known}"
    if not cohort.unseen:
        return f"{sentence}."
    return f"{sentence}; {cohort.unseen} scans of a {cohort.fitted.factor} that training has not stay as they are."
