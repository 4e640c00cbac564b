import numpy as np
import pandas as pd
import pytest

from clinimcl.config.settings import check_harmonise
from clinimcl.errors import UserError
from clinimcl.harmonisation.of_cohort import harmonise_cohort, harmonised_sentence


def cohort(scanners: list[str | None]) -> tuple[pd.DataFrame, np.ndarray]:
    """Two scans of each of 40 subjects; every fourth subject is tested. The last scan has no embedding."""
    number = np.repeat(np.arange(40), 2)
    scans = pd.DataFrame({"subject": [f"P{one}" for one in number], "age": 60.0 + number, "sex": "F"})
    scans["split"] = np.where(number % 4 == 3, "test", "train")
    scans["scanner"] = [scanners[one % len(scanners)] for one in number]
    scans["site"] = None
    vectors = np.random.default_rng(0).normal(size=(80, 5)) + (scans["scanner"] == "S1").to_numpy()[:, None]
    vectors[-1] = np.nan
    return scans, vectors.astype(np.float32)


def test_training_scans_of_all_scanners_have_one_mean_afterwards():
    scans, vectors = cohort(["S0", "S1", "S0"])
    harmonised = harmonise_cohort("combat", vectors, scans)
    train = (scans["split"] == "train").to_numpy()
    own = (scans["scanner"] == "S1").to_numpy()
    means = [harmonised.vectors[train & side].mean() for side in (own, ~own)]
    assert abs(means[1] - means[0]) < 0.15


def test_test_people_teach_nothing():
    scans, vectors = cohort(["S0", "S1", "S0"])
    other = vectors + 100 * (scans["split"] == "test").to_numpy()[:, None]
    fitted = [harmonise_cohort("combat", own, scans).fitted for own in (vectors, other)]
    assert (fitted[0].shift == fitted[1].shift).all() and (fitted[0].mean == fitted[1].mean).all()


def test_scans_without_an_embedding_stay_without():
    scans, vectors = cohort(["S0", "S1", "S0"])
    harmonised = harmonise_cohort("longitudinal", vectors, scans).vectors
    assert np.isnan(harmonised[-1]).all() and np.isfinite(harmonised[:-1]).all()


def test_scanners_that_training_has_not_are_counted_and_said():
    scans, vectors = cohort(["S0", "S1", "S0"])
    scans.loc[scans.index[scans["split"] == "test"][:3], "scanner"] = "S9"
    harmonised = harmonise_cohort("combat", vectors, scans)
    assert harmonised.unseen == 3
    assert "3 scans of a scanner that training has not" in harmonised_sentence("combat", harmonised)


def test_a_cohort_of_one_scanner_is_refused():
    scans, vectors = cohort(["S0"])
    with pytest.raises(UserError, match="got 1 scanners and 0 sites: leave harmonise out"):
        harmonise_cohort("combat", vectors, scans)


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("mean", {"frozen": True}, "harmonise must be combat or longitudinal, or null, got mean"),
        ("combat", None, "set change=three_way and change.frozen=true"),
        ("combat", {"frozen": False}, "set change=three_way and change.frozen=true"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(method: str, change: dict[str, bool] | None, message: str):
    with pytest.raises(ValueError, match=message):
        check_harmonise(method, change)


def test_a_setting_that_can_be_is_taken():
    assert check_harmonise("longitudinal", {"frozen": True}) is None


def test_scanners_of_fewer_than_three_training_subjects_do_not_count():
    scans, vectors = cohort(["S0"])
    scans.loc[scans["subject"].isin(["P0", "P1"]), "scanner"] = "S1"  # four scans
    with pytest.raises(UserError, match="at least 2 known scanners or sites with 3 subjects each, got 1 scanners"):
        harmonise_cohort("longitudinal", vectors, scans)
