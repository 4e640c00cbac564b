import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f
from statsmodels.regression.mixed_linear_model import MixedLM

from clinimcl.evaluation.scanner.components import Components, estimate
from clinimcl.evaluation.scanner.design import Design, design_of
from clinimcl.evaluation.scanner.shares import measure_shares
from clinimcl.phantoms.embeddings import Sampling, Shares, sample_embeddings, sample_scans

SHARES = Shares(0.5, 0.2, 0.1, 0.2)


def balanced(subjects: int, visits: int, scanners: int) -> pd.DataFrame:
    """Every subject on every scanner at every visit."""
    rows = [
        (f"P{subject}", 400.0 * visit + scanner, f"S{scanner}")
        for subject in range(subjects)
        for visit in range(visits)
        for scanner in range(scanners)
    ]
    return pd.DataFrame(rows, columns=["subject", "day", "scanner"]).assign(site="A")


def design(scans: pd.DataFrame) -> Design:
    found = design_of(scans)
    assert isinstance(found, Design)
    return found


def sampled(dimension: int, seed: int = 0) -> tuple[np.ndarray, Design]:
    generator = np.random.default_rng(seed)
    scans = sample_scans(Sampling(24, 2, 8, 3), generator)
    return sample_embeddings(scans, SHARES, dimension, generator), design(scans)


def reml(scans: pd.DataFrame, values: np.ndarray) -> list[float]:
    """Components of statsmodels' crossed model: subject, scanner, time, rest."""
    table = scans.assign(y=values, visit=scans["subject"] + "v" + (scans["day"] // 400).astype(str))
    parts = {name: f"0 + C({name})" for name in ("subject", "scanner", "visit")}
    model = MixedLM.from_formula("y ~ 1", groups=np.ones(len(table)), vc_formula=parts, data=table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(reml=True)
    found = dict(zip(model.exog_vc.names, fit.vcomp, strict=True))
    return [found["subject"], found["scanner"], found["visit"], float(fit.scale)]


def whole(components: Components) -> list[float]:
    return [float(part[0]) for part in components[:4]]


def test_components_of_a_balanced_design_are_those_of_a_mixed_model_by_reml():
    scans = balanced(12, 2, 3)
    values = sample_embeddings(scans, Shares(0.4, 0.2, 0.2, 0.2), 1, np.random.default_rng(3))
    components = whole(estimate(values, design(scans)))
    assert min(components) > 0
    assert components == pytest.approx(reml(scans, values[:, 0]), rel=2e-3)


def test_components_of_an_embedding_are_the_sums_over_its_principal_parts():
    vectors, own = sampled(5)
    axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2]
    parts = [whole(estimate(vectors @ axis[:, None], own)) for axis in axes]
    assert whole(estimate(vectors, own)) == pytest.approx(np.sum(parts, axis=0))


def test_components_without_a_subject_are_those_of_the_other_subjects_alone():
    vectors, own = sampled(4)
    others = own.subject != 5
    codes = np.unique(own.subject[others], return_inverse=True)[1]
    visits = np.unique(own.visit[others], return_inverse=True)[1]
    less = own._replace(subject=codes, visit=visits, scanner=own.scanner[others], rows=own.rows[others])
    left_out = [float(part[6]) for part in estimate(vectors, own)[:4]]
    assert left_out == pytest.approx(whole(estimate(vectors[others], less)))


def test_components_are_unbiased_where_scanners_and_visits_are_unbalanced():
    trials = [whole(estimate(*sampled(16, seed))) for seed in range(60)]
    assert np.mean(trials, axis=0) / 16 == pytest.approx(list(SHARES), abs=0.015)


def test_a_shift_of_all_scans_of_a_scanner_changes_its_own_component_alone():
    vectors, own = sampled(4)
    shifted = vectors + 5.0 * (own.scanner == 1)[:, None]
    before, after = whole(estimate(vectors, own)), whole(estimate(shifted, own))
    assert after[1] > before[1] + 10
    assert [after[0], *after[2:]] == pytest.approx([before[0], *before[2:]])


def mean_squares(values: np.ndarray) -> tuple[float, float]:
    """Of subjects and of the error, from a table of subjects by scanners (Shrout and Fleiss 1979, table 2)."""
    subjects, scanners = values.shape
    between = scanners * ((values.mean(axis=1) - values.mean()) ** 2).sum() / (subjects - 1)
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    return between, (left**2).sum() / ((subjects - 1) * (scanners - 1))


def test_the_icc_of_a_balanced_design_is_that_of_shrout_and_fleiss():
    scans = balanced(15, 1, 3)
    values = sample_embeddings(scans, SHARES, 1, np.random.default_rng(1))
    between, error = mean_squares(values.reshape(15, 3))
    icc = measure_shares(values, design(scans))["icc"]
    assert icc.value == pytest.approx((between - error) / (between + 2 * error))


def test_the_interval_of_the_icc_is_near_the_exact_one_of_normal_values():
    """McGraw and Wong 1996, table 7, case 3A, ICC (C,1)."""
    scans = balanced(60, 1, 3)
    values = sample_embeddings(scans, SHARES, 1, np.random.default_rng(2))
    between, error = mean_squares(values.reshape(60, 3))
    low = between / error / f.ppf(0.975, 59, 118)
    high = between / error * f.ppf(0.975, 118, 59)
    icc = measure_shares(values, design(scans))["icc"]
    exact = [(end - 1) / (end + 2) for end in (low, high)]
    assert [icc.low, icc.high] == pytest.approx(exact, abs=0.05)
