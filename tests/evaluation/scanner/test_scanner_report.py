import re
from collections.abc import Callable
from pathlib import Path

from clinimcl.evaluation.report.report import RunRecord, write_report
from clinimcl.evaluation.scanner.inputs import ScannerInputs
from clinimcl.evaluation.scanner.measure import evaluate_scanner

Given = Callable[..., ScannerInputs]


def test_the_report_tells_the_scanners_share_and_names_neither_subject_nor_scanner(
    given: Given, record: RunRecord, tmp_path: Path
):
    write_report(None, None, record, tmp_path, scanner=evaluate_scanner(given(subjects=40), seed=0))
    text = (tmp_path / "report.html").read_text("utf-8")
    for part in ("<h2>How much is the scanner</h2>", "Share of the scanner", "longitudinal ComBat", "as it is"):
        assert part in text
    assert (tmp_path / "figures" / "scanner.png").is_file()
    assert not re.search(r"\b[PS]\d+\b", re.sub(r"base64,[^\"]+", "", text))


def test_a_cohort_without_repeats_has_a_report_with_the_reason(given: Given, record: RunRecord, tmp_path: Path):
    inputs = given(subjects=20)
    scans = inputs.embedded.scans
    single = scans.assign(subject=[f"Q{number}" for number in range(len(scans))])
    part = evaluate_scanner(inputs._replace(embedded=inputs.embedded._replace(scans=single)), seed=0)
    write_report(None, None, record, tmp_path, scanner=part)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "Share of the subject and 21 others: no subject has two scans" in text
