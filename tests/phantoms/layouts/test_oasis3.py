from dataclasses import replace

import pandas as pd
import pytest

from clinimcl.phantoms.brain.parameters import BRAIN
from clinimcl.phantoms.writing import write_cohort


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantoms") / "oasis3"
    write_cohort(out, "oasis3", 5, 1, replace(BRAIN, spacing=16.0), workers=1)
    return out


def test_a_run_is_named_only_where_a_session_has_two(root):
    for session in root.glob("OAS3*_MR_d*"):
        names = sorted(path.name for path in session.rglob("*.nii.gz"))
        assert ["_run-" in name for name in names] == [len(names) > 1] * len(names)


def test_every_scan_has_a_sidecar(root):
    scans = {path.name.removesuffix(".nii.gz") for path in root.rglob("*.nii.gz")}
    assert scans == {path.stem for path in root.glob("OAS3*/*/*.json")}


def test_days_of_visits_are_text_with_leading_zeros(root):
    visits = pd.read_csv(root / "OASIS3_UDSb4_cdr.csv", dtype=str)
    assert (visits["days_to_visit"].str.len() == 4).all()
    assert (visits["OASIS_session_label"] == visits["OASISID"] + "_UDSb4_d" + visits["days_to_visit"]).all()


def test_the_truth_names_every_scan_and_lies_apart_from_the_scores(root):
    truth = pd.read_csv(root / "phantom_truth.csv")
    assert set(truth["path"]) == {path.relative_to(root).as_posix() for path in root.rglob("*.nii.gz")}
    assert "stage" not in pd.read_csv(root / "OASIS3_UDSb4_cdr.csv")


def test_demographics_name_every_subject_once(root):
    people = pd.read_csv(root / "OASIS3_demographics.csv")
    assert people["OASISID"].is_unique
    assert set(people["OASISID"]) == {path.name[:8] for path in root.glob("OAS3*_MR_d*")}
    assert set(people["GENDER"]) <= {1, 2}
