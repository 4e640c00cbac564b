import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.measure import evaluate_probes
from clinimcl.evaluation.probes.writing import write_probes
from clinimcl.evaluation.report.report import RunRecord, write_report

Given = Callable[..., ProbeInputs]


def test_the_report_tells_the_probes_and_names_no_subject(given: Given, record: RunRecord, tmp_path: Path):
    probes = evaluate_probes(given(subjects=20), seed=0)
    write_report(None, None, record, tmp_path, probes=probes)
    text = (tmp_path / "report.html").read_text("utf-8")
    for part in ("<h2>Probes</h2>", "Diagnosis means MMSE below 27.", "Probe of age, R²", "site: training and test"):
        assert part in text
    assert (tmp_path / "figures" / "probes.png").is_file()
    assert "OAS" not in re.sub(r"base64,[^\"]+", "", text)


def test_a_cohort_without_labels_has_a_report_all_the_same(given: Given, record: RunRecord, tmp_path: Path):
    inputs = given(subjects=10)
    blank = inputs.scans.assign(score=np.nan, age=np.nan, sex=None, site=None)
    write_report(None, None, record, tmp_path, probes=evaluate_probes(inputs._replace(scans=blank), seed=0))
    assert "no training scan has a known age" in (tmp_path / "report.html").read_text("utf-8")


def test_probes_are_added_to_what_was_measured_before(given: Given, tmp_path: Path):
    (tmp_path / "evaluation.json").write_text('{"accuracy": {"value": 0.5}}')
    write_probes(evaluate_probes(given(subjects=20), seed=0), tmp_path)
    metrics = json.loads((tmp_path / "evaluation.json").read_text())
    assert {"accuracy", "probe_age_mae", "untrained_probe_age_mae"} <= set(metrics)
    assert "probe_site_balanced_accuracy" in json.loads((tmp_path / "absent.json").read_text())
    assert pd.read_csv(tmp_path / "probes.csv")["encoder"].unique().tolist() == ["trained", "untrained"]
