import pandas as pd
import pytest

from clinimcl.evaluation.report.report import RunRecord


@pytest.fixture(scope="session")
def record() -> RunRecord:
    """Of a run of which nothing is told but its parts."""
    return RunRecord(
        title="run",
        curves=pd.DataFrame({"epoch": [], "step": []}),
        chances={},
        remarks=[],
        counts=[],
        cohort_remarks=[],
        scan_remarks={},
        set_aside=pd.DataFrame({"subject": [], "path": [], "reason": []}),
        audit={},
        speed={},
        configuration="",
        phantom_digest="",
        versions={},
        volumes={},
    )
