import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.schema import complete, validate
from clinimcl.errors import UserError


def table(**changes: object) -> pd.DataFrame:
    rows = {"subject": ["secret1", "secret2"], "session": ["a", "b"], "day": [0, 3], "path": ["/x/1", "/x/2"]}
    return complete(pd.DataFrame(rows | changes))


def test_what_a_reader_leaves_out_is_missing_and_typed():
    scans = validate(table())
    assert scans["day"].dtype == float
    assert scans[["score", "age", "sex", "site", "scanner", "mask"]].isna().all(axis=None)
    assert scans.loc[0, ["modality", "run", "score_name", "higher_is"]].tolist() == ["T1w", "", "", ""]


def test_columns_beside_the_schema_are_kept():
    assert validate(table(group=["x", "y"]))["group"].tolist() == ["x", "y"]


def test_the_order_does_not_depend_on_the_files_order():
    assert table().equals(complete(table().iloc[::-1]))


def test_a_wrong_value_is_named_with_column_row_and_expectation():
    with pytest.raises(UserError, match=r"column sex, row 1: expected .*'F', 'M'.*got X"):
        validate(table(sex=["F", "X"]))


def test_a_missing_column_is_named():
    with pytest.raises(UserError, match=r"must have the column path"):
        validate(table().drop(columns="path"))


@pytest.mark.parametrize("day", [np.nan, np.inf])
def test_a_day_must_be_finite(day):
    with pytest.raises(UserError, match=r"column day, row 1"):
        validate(table(day=[0.0, day]).sort_values("subject"))


@pytest.mark.parametrize("column", ["score", "age"])
def test_scores_and_ages_are_finite_or_missing(column):
    with pytest.raises(UserError, match=rf"column {column}, row 1: expected a finite number"):
        validate(table(**{column: [np.nan, np.inf]}))


def test_an_error_names_no_subject():
    with pytest.raises(UserError, match=r"column path") as error:
        validate(table(path=["/x/secret1.nii", "/x/secret1.nii"]))
    assert "secret" not in str(error.value)


def test_split_is_optional_and_checked():
    assert validate(table().assign(split="train"))["split"].eq("train").all()
    with pytest.raises(UserError, match=r"column split"):
        validate(table().assign(split="dev"))
