import numpy as np
import pandas as pd
import pytest

from clinimcl.config.settings import HARMONISATIONS
from clinimcl.errors import UserError
from clinimcl.harmonisation.combat import Harmonisation, fit_harmonisation, harmonise

SITES = {"S0": (0.0, 1.0), "S1": (2.0, 1.5), "S2": (-1.0, 0.7)}  # shift and deviation of the rest
DIMENSION = 6


def cohort(subjects: int = 60, seed: int = 0, sites: tuple[str, ...] = tuple(SITES)) -> pd.DataFrame:
    """Two scans of a subject, the second of them on any scanner."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            {
                "subject": f"P{seed}-{subject}",
                "scanner": sites[(subject + visit * int(rng.integers(3))) % len(sites)],
                "age": 60.0 + subject % 20 + visit,
                "sex": "FM"[subject % 2],
            }
            for subject in range(subjects)
            for visit in range(2)
        ]
    )


def embeddings(scans: pd.DataFrame, seed: int = 1, spread: float = 1.0) -> np.ndarray:
    """Subject, age, and the scanner's shift, which differs from dimension to dimension."""
    rng = np.random.default_rng(seed)
    subject = rng.normal(size=(scans["subject"].nunique(), DIMENSION))[scans["subject"].factorize()[0]]
    shift, deviation = np.array([SITES[name] for name in scans["scanner"]]).T
    tilt = 1 + 0.2 * np.random.default_rng(9).normal(size=DIMENSION)
    rest = deviation[:, None] * rng.normal(size=subject.shape)
    age = 0.1 * (scans["age"].to_numpy() - 60)[:, None]
    return spread * subject + age + shift[:, None] * tilt + 0.5 * rest


def fitted(method: str = "combat") -> tuple[Harmonisation, pd.DataFrame, np.ndarray]:
    scans = cohort(300)
    vectors = embeddings(scans)
    return fit_harmonisation(method, vectors, scans, "scanner"), scans, vectors


def johnson(vectors: np.ndarray, sites: np.ndarray, rounds: int = 200) -> np.ndarray:
    """ComBat without covariates as Johnson et al. 2007 print it, in loops."""
    names, counts = np.unique(sites, return_counts=True)
    means = np.array([vectors[sites == name].mean(axis=0) for name in names])
    alpha = counts @ means / counts.sum()
    residual = vectors - means[np.searchsorted(names, sites)]
    sigma = np.sqrt((residual**2).mean(axis=0))
    z = (vectors - alpha) / sigma
    result = np.empty_like(vectors)
    for name in names:
        rows = np.flatnonzero(sites == name)
        gamma = z[rows].mean(axis=0)
        delta = z[rows].var(axis=0, ddof=1)
        gamma_bar, tau = gamma.mean(), gamma.var(ddof=1)
        m, s = delta.mean(), delta.var(ddof=1)
        lam, theta = (m**2 + 2 * s) / s, (m**3 + m * s) / s
        for feature in range(vectors.shape[1]):
            g, d = gamma[feature], delta[feature]
            for _ in range(rounds):
                g = (len(rows) * tau * gamma[feature] + d * gamma_bar) / (len(rows) * tau + d)
                square = sum((z[row, feature] - g) ** 2 for row in rows)
                d = (theta + square / 2) / (len(rows) / 2 + lam - 1)
            result[rows, feature] = sigma[feature] / np.sqrt(d) * (z[rows, feature] - g) + alpha[feature]
    return result


def test_combat_without_covariates_is_that_of_johnson():
    scans = cohort(20).drop(columns=["age", "sex"])
    vectors = embeddings(cohort(20))
    model = fit_harmonisation("combat", vectors, scans, "scanner")
    harmonised, _ = harmonise(model, vectors, scans)
    assert harmonised == pytest.approx(johnson(vectors, scans["scanner"].to_numpy()), abs=1e-4)


@pytest.mark.parametrize("method", HARMONISATIONS)
def test_new_people_of_known_sites_keep_nothing_of_the_sites_shift(method: str):
    model = fitted(method)[0]
    new = cohort(400, seed=5)
    new["age"] = 60.0
    harmonised, known = harmonise(model, embeddings(new, seed=6), new)
    means = pd.DataFrame(harmonised).groupby(new["scanner"].to_numpy()).mean()
    assert known.all()
    assert float((means.max() - means.min()).max()) < 0.4  # the shifts differ by 3


def test_longitudinal_combat_finds_shifts_within_subjects_where_people_differ_most():
    scans = cohort(40)
    vectors = embeddings(scans, spread=10.0)
    tilt = 1 + 0.2 * np.random.default_rng(9).normal(size=DIMENSION)
    errors = {}
    for method in HARMONISATIONS:
        effects = fit_harmonisation(method, vectors, scans, "scanner").effects
        errors[method] = float(np.abs(effects[1] - effects[0] - 2 * tilt).mean())
    assert errors["longitudinal"] < errors["combat"] / 3


@pytest.mark.parametrize("method", HARMONISATIONS)
def test_age_is_preserved(method: str):
    model, scans, vectors = fitted(method)
    harmonised, _ = harmonise(model, vectors, scans)
    slope = np.polyfit(scans["age"], harmonised.mean(axis=1), 1)[0]
    assert model.covariates.names == ["age", "sex"]
    assert slope == pytest.approx(0.1, abs=0.03)


def test_neither_score_nor_any_other_column_changes_an_answer():
    model, scans, vectors = fitted("longitudinal")
    before, _ = harmonise(model, vectors, scans)
    after, _ = harmonise(model, vectors, scans.assign(score=np.arange(len(scans))))
    assert (before == after).all()


def test_a_site_that_was_not_fitted_stays_as_it_is():
    model, scans, vectors = fitted()
    other = scans.assign(scanner=["S9", *scans["scanner"][1:]])
    harmonised, known = harmonise(model, vectors, other)
    assert known.tolist() == [False] + [True] * (len(scans) - 1)
    assert (harmonised[0] == vectors[0]).all() and (harmonised[1] != vectors[1]).any()


def test_people_of_unknown_age_count_as_the_mean_of_training():
    model, scans, vectors = fitted()
    mean = model.covariates.means[0]
    unknown, _ = harmonise(model, vectors, scans.assign(age=np.nan))
    average, _ = harmonise(model, vectors, scans.assign(age=mean))
    assert unknown == pytest.approx(average)


def test_a_covariate_that_the_site_tells_is_not_fitted():
    scans = cohort()
    scans["age"] = scans["scanner"].map({"S0": 60.0, "S1": 70.0, "S2": 80.0})
    model = fit_harmonisation("combat", embeddings(cohort()), scans, "scanner")
    assert model.covariates.names == ["sex"]


@pytest.mark.parametrize("sites", [("S0",), ("S0", "S0", "S0")])
def test_one_site_is_refused_with_a_sentence(sites: tuple[str, ...]):
    scans = cohort(sites=sites)
    with pytest.raises(UserError, match="needs training scans of at least 2 scanners with 3 subjects each, got 1"):
        fit_harmonisation("combat", embeddings(scans), scans, "scanner")


@pytest.mark.parametrize("method", HARMONISATIONS)
@pytest.mark.parametrize("value", [0.0, 1.3])
def test_a_dimension_that_does_not_vary_is_not_shifted_by_the_site(method: str, value: float):
    scans = cohort()
    vectors = embeddings(scans)
    vectors[:, 2] = value
    harmonised, _ = harmonise(fit_harmonisation(method, vectors, scans, "scanner"), vectors, scans)
    assert np.isfinite(harmonised).all()
    assert harmonised[:, 2] == pytest.approx(vectors[:, 2], abs=1e-6)


@pytest.mark.parametrize("method", HARMONISATIONS)
def test_embeddings_that_are_all_the_same_stay_so(method: str):
    scans = cohort()
    vectors = np.ones((len(scans), 4))
    harmonised, _ = harmonise(fit_harmonisation(method, vectors, scans, "scanner"), vectors, scans)
    assert harmonised == pytest.approx(vectors, abs=1e-6)


def people(counts: list[int], seed: int, spread: float = 1.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Scans on either of two scanners, the second of which makes the rest `spread` times as large."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(len(counts)), counts)
    scanner = rng.integers(0, 2, len(number))
    scans = pd.DataFrame({"subject": number, "scanner": np.array(["S0", "S1"])[scanner]})
    rest = np.where(scanner == 1, spread, 1.0)[:, None] * rng.normal(size=(len(number), 16))
    return scans, 2 * rng.normal(size=(len(counts), 16))[number] + rest


def trained_on_other_scales() -> Harmonisation:
    scans, vectors = people([3] * 200, seed=0, spread=1.5)
    return fit_harmonisation("longitudinal", vectors, scans, "scanner")


def within(vectors: np.ndarray, group: np.ndarray) -> float:
    """Variance of scans around the mean of their group."""
    table = pd.DataFrame(vectors).groupby(group)
    squares = (vectors - table.transform("mean").to_numpy()) ** 2
    return float(squares.sum() / (len(vectors) - table.ngroups) / vectors.shape[1])


@pytest.mark.parametrize("counts", [[2], [3], [5], [1, 2, 3, 4]])
@pytest.mark.parametrize("method", HARMONISATIONS)
def test_without_an_effect_of_sites_people_change_as_much_as_before(method: str, counts: list[int]):
    scans, vectors = people(counts * (120 // len(counts)), seed=0)
    model = fit_harmonisation(method, vectors, scans, "scanner")
    for own, values in ((scans, vectors), people([2] * 120, seed=1)):
        harmonised, _ = harmonise(model, values, own)
        subject = own["subject"].to_numpy()
        assert within(harmonised, subject) == pytest.approx(within(values, subject), rel=0.05)


def test_sites_whose_people_have_more_scans_are_not_taken_for_more_variable():
    number = np.repeat(np.arange(200), np.tile([2, 6], 100))
    scans = pd.DataFrame({"subject": number, "scanner": np.array(["S0", "S1"])[number % 2]})
    rng = np.random.default_rng(0)
    vectors = 2 * rng.normal(size=(200, 16))[number] + rng.normal(size=(len(number), 16))
    variance = fit_harmonisation("longitudinal", vectors, scans, "scanner").variance.mean(axis=1)
    assert variance == pytest.approx([1, 1], abs=0.06)


def test_longitudinal_combat_brings_sites_of_other_scales_together_and_keeps_what_they_share():
    scans, vectors = people([5] * 200, seed=0, spread=1.5)
    harmonised, _ = harmonise(fit_harmonisation("longitudinal", vectors, scans, "scanner"), vectors, scans)
    subject = scans["subject"].to_numpy()
    ratio = {}
    for name, values in {"before": vectors, "after": harmonised}.items():
        own = [(scans["scanner"] == site).to_numpy() for site in ("S0", "S1")]
        first, second = (within(values[rows], subject[rows]) for rows in own)
        ratio[name] = second / first
    assert ratio["before"] > 2 and ratio["after"] < 1.25
    assert within(harmonised, subject) == pytest.approx(within(vectors, subject), rel=0.1)


def test_a_change_at_one_site_is_the_same_however_many_scans_come_with_it():
    model = trained_on_other_scales()
    scans, vectors = people([5] * 50, seed=1, spread=1.5)
    pairs = scans.groupby(["subject", "scanner"]).head(2)
    pairs = pairs[pairs.groupby(["subject", "scanner"])["scanner"].transform("size") == 2]
    everything, _ = harmonise(model, vectors, scans)
    for _, pair in pairs.groupby(["subject", "scanner"]):
        alone, _ = harmonise(model, vectors[pair.index], pair)
        assert np.diff(alone, axis=0) == pytest.approx(np.diff(everything[pair.index], axis=0))


def test_between_sites_a_pair_by_itself_changes_as_it_does_among_others():
    model = trained_on_other_scales()
    scans, vectors = people([5] * 200, seed=1, spread=1.5)
    pair = np.flatnonzero(np.tile([1, 0, 0, 0, 1], 200))
    everything, _ = harmonise(model, vectors, scans)
    alone, _ = harmonise(model, vectors[pair], scans.iloc[pair])
    change = (vectors[pair[1::2]] - vectors[pair[::2]]).ravel()
    changes = {"trained": everything[pair[1::2]] - everything[pair[::2]], "served": alone[1::2] - alone[::2]}
    slope = {name: np.polyfit(change, after.ravel(), 1)[0] for name, after in changes.items()}
    assert slope["served"] == pytest.approx(slope["trained"], abs=0.02)


@pytest.mark.parametrize("method", HARMONISATIONS)
def test_a_site_of_one_person_is_not_fitted_whatever_the_scans(method: str):
    scans = cohort()
    vectors = embeddings(scans)
    scans.loc[:7, ["subject", "scanner"]] = ["P0-0", "S9"]
    model = fit_harmonisation(method, vectors, scans, "scanner")
    assert model.sites == ["S0", "S1", "S2"]
