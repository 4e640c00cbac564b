import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError


@pytest.mark.parametrize(
    ("score", "higher_is"), [("MMSE", "better"), ("mmse", "better"), ("CDRSUM", "worse"), ("CDRTOT", "worse")]
)
def test_known_scores_have_a_direction(score, higher_is):
    assert direction(score, None) == higher_is


def test_the_users_direction_wins():
    assert direction("tumor_voxels", "worse") == "worse"


def test_a_score_without_direction_is_refused():
    with pytest.raises(UserError, match=r"cohort.higher_is=better or cohort.higher_is=worse"):
        direction("age", None)
    with pytest.raises(UserError, match=r"must be better or worse, got up"):
        direction("age", "up")


def test_codes_beyond_a_scale_are_missing():
    remarks = Remarks()
    values = on_scale(pd.Series([30.0, 88, 97, 0, np.nan]), "MMSE", remarks)
    np.testing.assert_equal(values.to_numpy(), [30, np.nan, np.nan, 0, np.nan])
    assert remarks.sentences() == ("2 values of MMSE lie outside its scale, 0 to 30: they count as missing",)
    assert on_scale(pd.Series([8246.0]), "tumor_voxels", remarks).tolist() == [8246]


def test_an_unknown_score_is_answered_with_those_there_are():
    with pytest.raises(UserError, match=r"cohort.score=ADAS: no such column in visits.csv; there are MMSE, CDRTOT"):
        column_of("ADAS", ["MMSE", "CDRTOT"], "visits.csv")
