import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from clinimcl.cohorts.files.adni_series import choose_series, series_counts

CONF = Path(__file__).parents[3] / "conf" / "cohort" / "adni.yaml"
DEFAULT = yaml.safe_load(CONF.read_text())["cohort"]["series"]
T1 = """MP-RAGE MPRAGE MP_RAGE_SAGITTAL REPEAT_SAG_3D_MP_RAGE_NO_ANGLE MPRAGE_GRAPPA2 MPRAGE_S2_DIS3D
ADNI_______MPRAGE 3DMPRAGE SAG_MPRAGE_NO_ANGLE HS_Sagittal_MPRAGE MP__RAGE IR-SPGR IR-FSPGR Sag_IR_FSPGR
Accelerated_Sag_IR-FSPGR MPR__GradWarp__B1_Correction__N3__Scaled MPR-R____N3__Scaled_2 MT1__N3m
Sag_3D_T1 T1-weighted"""
OTHERS = """Axial_T2_STAR Double_TSE B1-Calibration_Head 3_Plane_Localizer Axial_DTI Resting_State_fMRI
HighResHippocampus Sagittal_3D_FLAIR ASL_PERFUSION Compressed_Sense_FLAIR AV45_Coreg,_Avg,_Std_Img
Field_Mapping relCBF"""


def scans(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Of one subject: series, time and acquisition."""
    table = pd.DataFrame(rows, columns=["series", "time", "acquisition"])
    return table.assign(subject="002_S_0295", path=[str(row) for row in range(len(rows))])


def chosen(*rows: tuple[str, str, str], pattern: str | None = None) -> list[str]:
    return choose_series(scans(*rows), pattern).scans["series"].tolist()


@pytest.mark.parametrize("name", T1.split())
def test_names_of_t1_weighted_series_are_taken_by_default(name):
    assert chosen((name, "1", "S1"), pattern=DEFAULT) == [name]


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_of_other_series_are_left_out_by_default(name):
    assert chosen((name, "1", "S1"), pattern=DEFAULT) == []


def test_series_left_out_are_counted_by_name():
    rows = [("Axial_DTI", "1", "S1"), ("Axial_DTI", "2", "S2"), ("MPRAGE", "3", "S3")]
    (remark,) = choose_series(scans(*rows, ("FLAIR", "4", "S4")), "mprage").remarks
    assert remark.startswith("3 images of other series are left out (cohort.series=mprage;")
    assert remark.endswith("Axial_DTI (2), FLAIR (1).")


@pytest.mark.parametrize("series", ["MPR__GradWarp__B1_Correction__Mask", "Hippocampal_Mask", "mask"])
def test_masks_are_no_scans_whatever_is_asked_for(series):
    assert chosen((series, "1", "S1"), ("MP-RAGE", "2", "S2")) == ["MP-RAGE"]


@pytest.mark.parametrize("share", [("1", "S9"), ("9", "S1"), ("1", "S1")])
def test_a_corrected_copy_beside_its_original_is_no_run(share):
    rows = [("MP-RAGE", "1", "S1"), ("MPR__GradWarp__N3__Scaled", *share)]
    found = choose_series(scans(*rows), DEFAULT)
    assert found.scans["series"].tolist() == ["MP-RAGE"]
    assert found.remarks[0].startswith("1 corrected copies of scans")


def test_of_corrected_copies_alone_the_most_corrected_one_counts():
    names = ["MPR__GradWarp", "MPR__GradWarp__N3__Scaled", "MPR__GradWarp__N3"]
    assert chosen(*((name, "1", "S1") for name in names), pattern=DEFAULT) == [names[1]]


def test_originals_and_corrections_of_different_acquisitions_all_count():
    rows = [("MP-RAGE", "1", "S1"), ("MP-RAGE", "2", "S2"), ("MPR-R__N3", "3", "S3")]
    assert len(chosen(*rows, pattern=DEFAULT)) == 3


def test_nothing_known_of_the_acquisition_makes_no_copy():
    rows = [("MP-RAGE", "", ""), ("MPR__N3", "", ""), ("MPR__GradWarp__N3", "", "")]
    assert len(chosen(*rows, pattern=DEFAULT)) == 3


def test_corrected_copies_are_taken_where_they_are_asked_for():
    rows = [("MP-RAGE", "1", "S1"), ("MPR__GradWarp__N3__Scaled", "1", "S1")]
    assert chosen(*rows, pattern="scaled") == ["MPR__GradWarp__N3__Scaled"]


def test_many_names_are_cut_short():
    text = series_counts(pd.Series([f"series_{number:02d}" for number in range(15)]))
    assert text.endswith("series_11 (1) and 3 further names")
    assert len(re.findall(r"series_", text)) == 12
