import re

import pytest

from clinimcl.cohorts.tables.table_search import only_match
from clinimcl.errors import UserError

MMSE = re.compile(r"mmse.*\.csv", re.IGNORECASE).fullmatch


@pytest.mark.parametrize(
    ("addresses", "found"), [(["/a/MMSE_1.csv", "/a/b.csv"], "/a/MMSE_1.csv"), (["/mmse.csv/b"], None)]
)
def test_the_file_whose_name_is_meant_is_found(addresses, found):
    assert only_match(addresses, MMSE, "cohort.clinical") == found


def test_of_several_one_must_be_named():
    with pytest.raises(UserError, match=r"2 tables could be meant by cohort.clinical: a/mmse.csv, b/mmse.csv; name"):
        only_match(["a/mmse.csv", "b/mmse.csv"], MMSE, "cohort.clinical")
