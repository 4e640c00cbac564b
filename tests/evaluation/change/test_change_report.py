import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.change.figures import change_figures
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.measure import ChangeEvaluation, evaluate_change
from clinimcl.evaluation.change.notes import KIND_SENTENCES
from clinimcl.evaluation.change.wording import PAIRS
from clinimcl.evaluation.change.writing import write_change
from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.measure import evaluate
from clinimcl.evaluation.report.report import RunRecord, write_report

Given = Callable[..., ChangeInputs]
FIGURES = {"change_rows", "change_confusion", "change_reliability", "change_distance", "change_score"}
RECORD = RunRecord(
    title="lus",
    curves=pd.DataFrame({"epoch": [1, 2], "train/loss": [3.0, 2.0]}),
    chances={},
    remarks=[],
    counts=[("test", 9, 27)],
    cohort_remarks=[],
    scan_remarks={},
    set_aside=pd.DataFrame({"subject": [], "path": [], "reason": []}),
    audit={},
    speed={},
    configuration="",
    phantom_digest="a1b2",
    versions={},
    volumes={},
)


@pytest.fixture(scope="module")
def change(given: Given) -> ChangeEvaluation:
    return evaluate_change(given(), seed=0)


@pytest.fixture(scope="module")
def run(change: ChangeEvaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_report(None, None, RECORD, folder, change)
    write_change(change, folder)
    return folder


def report(change: ChangeEvaluation, folder: Path) -> str:
    write_report(None, None, RECORD, folder, change)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_report_needs_no_contrastive_part(run: Path, change: ChangeEvaluation):
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "Trajectories" not in text
    for name in (*change.notes[0].split("."), "difference of regressed scores", "swap_consistency", "majority"):
        assert name in text
    assert text.count("<img") == len(FIGURES) + 1  # and the curves


def test_contrastive_part_and_health_change_share_a_report(given: Given, change: ChangeEvaluation, tmp_path: Path):
    inputs = given()
    scans = inputs.scans.assign(scanner=None, split="train")  # nothing is projected, which would take long
    embedded = Embedded(scans, {3: inputs.embeddings}, best=3)
    write_report(embedded, evaluate(embedded, seed=0), RECORD, tmp_path, change)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for part in ("<h2>Health change</h2>", "<h2>Identity and time</h2>", "<h2>Trajectories</h2>"):
        assert part in text


@pytest.mark.parametrize("kind", KIND_SENTENCES)
def test_every_table_says_whose_pairs_were_tested(given: Given, tmp_path: Path, kind: str):
    inputs = given(kind=kind if kind == "inter-subject" else "intra-subject")
    evaluation = evaluate_change(inputs._replace(kind=kind), seed=0)
    text = report(evaluation, tmp_path).partition("<h2>Data</h2>")[0]
    captions = re.findall(r"<table[^>]*><caption[^>]*>(.*?)</caption>", text)
    assert captions == text.count("<table") * [evaluation.notes[0]]
    assert any(pairs in captions[0] for pairs in PAIRS)


def test_zone_contrast_is_nowhere_called_health_change(given: Given, tmp_path: Path):
    evaluation = evaluate_change(given()._replace(kind="zone contrast"), seed=0)
    text = report(evaluation, tmp_path)
    assert "<h2>Zone contrast</h2>" in text
    assert "health change" not in text.lower().replace("which is not health change", "")


def test_no_id_is_in_the_report(run: Path):
    assert "ADNI" not in (run / "report.html").read_text(encoding="utf-8").partition("data:image")[0]
    assert "ADNI" not in (run / "evaluation.json").read_text()


def test_metrics_are_written_and_read(run: Path, change: ChangeEvaluation):
    written = json.loads((run / "evaluation.json").read_text())
    assert written["balanced_accuracy"]["majority"] == pytest.approx(1 / 3)
    assert written.keys() == change.measured.keys()
    assert json.loads((run / "absent.json").read_text()) == change.absent
    assert len(pd.read_csv(run / "answers.csv")) == change.confusion.sum()
    assert pd.read_csv(run / "confusion.csv", index_col="truth").to_numpy().tolist() == change.confusion.tolist()


def test_what_was_not_measured_has_no_figure(given: Given, change: ChangeEvaluation):
    assert change_figures(change).keys() == FIGURES
    unscored = evaluate_change(given()._replace(predicted=None), seed=0)
    assert "change_score" not in change_figures(unscored)


def test_distance_is_drawn_over_the_difference_of_the_scores(given: Given, change: ChangeEvaluation):
    (axes,) = change_figures(change)["change_distance"].axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("|Δ score|", "cosine distance of the embeddings")
    test, score = given().test, given().scans["score"].to_numpy()
    drawn = axes.collections[0].get_offsets()
    assert drawn[:, 0].tolist() == pytest.approx(np.abs(score[test["later"]] - score[test["earlier"]]).tolist())
