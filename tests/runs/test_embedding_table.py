import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.pseudonyms import keyed
from clinimcl.runs.embedding_table import embedding_table

KEY = b"0123456789abcdef"
SCANS = pd.DataFrame(
    [
        (subject, session, day, run, "train" if subject == "OAS1" else "test", 29.0, "MMSE")
        for subject in ("OAS1", "OAS2", "OAS3")
        for session, day, run in (("z", 0.0, "1"), ("z", 0.0, "2"), ("a", 400.0, "1"))
    ],
    columns=["subject", "session", "day", "run", "split", "score", "score_name"],
).assign(zone="")
VECTORS = np.arange(18, dtype=np.float32).reshape(9, 2)


def test_sessions_are_counted_from_one_in_time_order():
    table = embedding_table(SCANS, VECTORS, KEY, scores=False)
    assert table["session"].tolist() == [1, 1, 2] * 3


def test_each_row_keeps_its_own_embedding_under_its_pseudonym():
    table = embedding_table(SCANS, VECTORS, KEY, scores=False)
    own = table[table["pseudonym"] == keyed(["OAS2"], KEY)["OAS2"]]
    assert own[["embedding_0", "embedding_1"]].to_numpy().tolist() == VECTORS[3:6].tolist()


def test_the_order_of_the_rows_is_that_of_the_pseudonyms():
    assert embedding_table(SCANS, VECTORS, KEY, scores=False)["pseudonym"].is_monotonic_increasing


def test_health_scores_are_left_out_unless_they_are_asked_for():
    assert "score" not in embedding_table(SCANS, VECTORS, KEY, scores=False)
    assert embedding_table(SCANS, VECTORS, KEY, scores=True)["score"].tolist() == [29.0] * 9


def test_other_columns_come_where_they_are_asked_for():
    table = embedding_table(SCANS.assign(sex="F"), VECTORS, KEY, scores=False, columns=["sex"])
    assert table.columns.tolist() == [
        *("pseudonym", "session", "day", "zone", "run", "split", "sex"),
        *("embedding_0", "embedding_1"),
    ]


@pytest.mark.parametrize("column", ["subject", "path", "sexes"])
def test_a_column_that_names_a_subject_or_is_not_there_is_refused(column):
    scans = SCANS.assign(sex="F", path="OAS1.nii")
    with pytest.raises(UserError, match=f"columns={column} is not among .*: day, run, split, score, .*sex"):
        embedding_table(scans, VECTORS, KEY, scores=False, columns=[column])
