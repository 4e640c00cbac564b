import json

import numpy as np
import pandas as pd

from clinimcl.evaluation.exam.items import Question
from clinimcl.evaluation.exam.measure import GROUP_COLUMNS, Exam
from clinimcl.evaluation.exam.writing import ExamSummary, sentence, write_exam
from clinimcl.evaluation.statistics.metrics import Absent, Metric

AUROC = Metric(0.8, 0.7, 0.9, n_subjects=40, n_items=41, chance=0.5)
GROUPS = [
    ("embeddings", "auroc", "sex", "<F>", 20, 0.75, 0.6, 0.9, ""),
    ("beside", "auroc", "sex", "M", 20, np.nan, np.nan, np.nan, "no class has 2"),
]
EXAM = Exam(
    {"auroc": AUROC, "auroc_minus_beside": AUROC._replace(chance=None), "fairness_auroc": Absent("no two groups")},
    pd.DataFrame(GROUPS, columns=GROUP_COLUMNS),
    ["a note <b>"],
)
SUMMARY = ExamSummary(Question("dx", ("sex",), 10), {"ill": 20, "<well>": 20}, 40, 10, 0, ["another"])


def test_each_score_has_its_interval_and_each_gap_its_reason(tmp_path):
    write_exam(EXAM, SUMMARY, tmp_path)
    found = json.loads((tmp_path / "exam.json").read_text())
    assert found["metrics"]["auroc"] == AUROC.entry()
    assert found["absent"] == {"fairness_auroc": "no two groups"}
    assert found["notes"] == ["another", "a note <b>"]
    assert {path.name for path in tmp_path.iterdir()} == {"exam.json", "exam.csv", "groups.csv", "exam.html"}


def test_the_page_says_what_is_absent_and_runs_nothing_that_a_table_holds(tmp_path):
    write_exam(EXAM, SUMMARY, tmp_path)
    page = (tmp_path / "exam.html").read_text()
    assert "Fairness of AUROC: not measured, no two groups." in page
    assert "One-vs-rest AUROC, minus beside" in page
    assert "no class has 2" in page
    assert "&lt;well&gt;" in page
    assert "<well>" not in page and "<F>" not in page and "<b>" not in page


def test_the_sentence_tells_more_than_chance_only_where_the_interval_does():
    assert "tells more than chance: one-vs-rest AUROC 0.800" in sentence(EXAM, SUMMARY)
    level = EXAM._replace(metrics={"auroc": AUROC._replace(low=0.45)})
    assert "cannot be told from chance" in sentence(level, SUMMARY)
    none = EXAM._replace(metrics={"auroc": Absent("why")})
    assert sentence(none, SUMMARY) == "The one-vs-rest AUROC could not be measured: why."


def test_the_tables_are_read_again_as_they_were(tmp_path):
    write_exam(EXAM, SUMMARY, tmp_path)
    table = pd.read_csv(tmp_path / "exam.csv").set_index("metric")
    assert table.loc["auroc", ["value", "low", "high", "chance"]].tolist() == [0.8, 0.7, 0.9, 0.5]
    assert pd.read_csv(tmp_path / "groups.csv").columns.tolist() == GROUP_COLUMNS
