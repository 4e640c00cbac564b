"""What a scan table says of one person that cannot all be true."""

import pandas as pd

from clinimcl.cohorts.tables.remarks import Remarks

_YEARS_YOUNGER = 1.5  # ages may be rounded


def contradictions(scans: pd.DataFrame) -> tuple[str, ...]:
    """Sentences with counts: people of both sexes, and people whose ages run against their days."""
    remarks = Remarks()
    sexes = scans.groupby("subject")["sex"].nunique()
    remarks.count(int((sexes > 1).sum()), "people are F in one row and M in another: check whose scans these are")
    ordered = scans.dropna(subset=["age"]).sort_values(["subject", "day"])
    step = ordered.groupby("subject")["age"].diff()
    younger = ordered.loc[step < -_YEARS_YOUNGER, "subject"].nunique()
    remarks.count(younger, "people are years younger at a later session: their dates or their ages are wrong")
    return remarks.sentences()
