from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.adni import Adni
from clinimcl.cohorts.splits import Splitting
from clinimcl.phantoms import truth
from clinimcl.phantoms.brain.parameters import BRAIN_CHANGE
from clinimcl.phantoms.writing import write_cohort

SUBJECTS = 4


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantoms") / "adni"
    write_cohort(out, "adni", SUBJECTS, 0, replace(BRAIN_CHANGE, spacing=17.0), workers=1)
    return out


@pytest.fixture(scope="module")
def reading(root):
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {"higher_is": None, "mask": None, "spacing": None, "fold": None, "split": split, "series": None}
    fields |= {"clinical": None, "collection": None, "window_days": 90, "sidecars": True}
    return Adni(root=str(root), score="MMSE", **fields).table()


@pytest.fixture(scope="module")
def true(root):
    table = pd.read_csv(root / "phantom_truth.csv")
    return table.assign(path=[str(root / path) for path in table["path"]]).set_index("path")


def test_the_reader_finds_every_scan(reading, true):
    assert set(reading.scans["path"]) == set(true.index)
    assert reading.scans["subject"].nunique() == SUBJECTS


def test_days_age_site_and_scanner_are_the_true_ones(reading, true):
    scans, true = reading.scans, true.loc[reading.scans["path"]].reset_index()
    days = true["day"] - true.groupby("subject")["day"].transform("min")
    np.testing.assert_array_equal(scans["day"], days)
    np.testing.assert_allclose(scans["age"], true["age"], atol=0.06)  # ADNIMERGE rounds ages to a tenth
    assert [f"{'ABC'.index(site[-1]) + 1:03d}" for site in true["site"]] == scans["site"].tolist()
    assert all(long.startswith(name) for long, name in zip(scans["scanner"], true["scanner"], strict=True))


def test_every_scan_has_the_score_of_its_own_visit(reading, root):
    assert set(reading.audit["status"]) == {"matched"}
    assert reading.audit["gap_days"].abs().max() <= 44
    visits = pd.read_csv(root / "ADNIMERGE.csv", parse_dates=["EXAMDATE"])
    for scan in reading.scans.itertuples():
        own = visits[visits["PTID"] == scan.subject]
        nearest = (own["EXAMDATE"] - pd.Timestamp(scan.session)).abs().argmin()
        assert scan.score == own["MMSE"].iloc[nearest]


def test_the_time_in_a_files_name_is_not_the_scans(reading):
    for scan in reading.scans.itertuples():
        assert scan.session.replace("-", "") not in scan.path.rsplit("/", 1)[1]


def test_visits_are_half_yearly(root):
    visits = pd.read_csv(root / "ADNIMERGE.csv")
    for _, own in visits.groupby("PTID"):
        assert own["Month"].tolist() == [6 * number for number in range(len(own))]
        assert own["VISCODE"].tolist()[:2] == ["bl", "m06"][: len(own)]


def test_the_true_scores_are_told_by_path(root, true):
    phantom = truth.read(str(root))
    paths = list(true.index)[::-1]
    np.testing.assert_array_equal(truth.scores(phantom, paths, "MMSE"), true.loc[paths, "mmse"])
    np.testing.assert_array_equal(truth.scores(phantom, paths, "CDRSB"), true.loc[paths, "stage"])


def test_what_the_phantom_does_not_know_is_nan(root, true):
    phantom = truth.read(str(root))
    assert np.isnan(truth.scores(phantom, list(true.index), "ADAS13")).all()
    assert np.isnan(truth.scores(phantom, ["/elsewhere/a.nii"], "MMSE")).all()
