import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from clinimcl.evaluation.sweep.measure import evaluate_sweep
from clinimcl.evaluation.sweep.report import write_sweep

MakeJob = Callable[..., Path]


def told(sweep: Path) -> str:
    """The report's text without pictures."""
    write_sweep(sweep)
    return read(sweep)


def read(sweep: Path) -> str:
    return re.sub(r"data:image[^\"]*", "", (sweep / "sweep.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def weights(job: MakeJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """λ on two objectives, two seeds, a failed and a broken job."""
    sweep = tmp_path_factory.mktemp("runs") / "lus_learner" / "sweeps" / "weights"
    for seed in range(2):
        job(sweep, 0.5, objective="mse", seed=seed)
        for weight in (0.5, 0.9):
            job(sweep, 0.8, objective="mse_wcl", objective__mse_weight=weight, seed=seed)
    (job(sweep, number=8) / "status.json").write_text('{"status": "failed", "error": "OSError: /data/LUS7.mp4"}')
    (job(sweep, number=9) / "config.yaml").write_text("[")
    write_sweep(sweep)
    return sweep


def test_report_stands_alone_with_its_figures(weights: Path):
    text = (weights / "sweep.html").read_text(encoding="utf-8")
    names = {"sweep_weight", "sweep_rows", "sweep_differences"}
    assert {path.stem for path in (weights / "figures").iterdir()} == names
    assert text.count("data:image/png;base64") == len(names)
    assert "http" not in re.sub(r"data:image[^\"]*|http-equiv", "", text)


def test_report_says_what_limits_it(weights: Path):
    text = read(weights)
    for sentence in (
        "6 of 8 jobs are done (1 failed, 1 done but not readable).",
        "Tested on pairs of scans of one person at two times.",
        "one lucky seed proves nothing",
        "λ and other settings must be chosen on validation subjects",
        "By the validation column (of the epochs that were kept, on pairs of the kind that trained the classifier) the "
        "choice is MSE + wCL, λ 0.5 with 0.866",
        "Holm&#39;s correction over all together",
        "MSE + wCL with λ 0.9 against MSE), 2 seeds, 40 subjects: ranked contrast is better",
        "The cohort is generated",
    ):
        assert sentence in text


def test_no_id_and_no_path_is_in_the_report(weights: Path):
    for text in (read(weights), (weights / "sweep.csv").read_text()):
        assert "LUS" not in text
        assert "/data" not in text


def test_table_has_a_row_a_job_and_what_differs_as_columns(weights: Path):
    table = pd.read_csv(weights / "sweep.csv")
    assert len(table) == 6
    assert [name for name in table if "seed" in name or "objective" in name] == [
        "objective",
        "objective.mse_weight",
        "seed",
    ]
    assert {"balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high"} < set(table)
    assert set(table["pairs"]) == {"one person at two times"}
    assert (table["validation_balanced_accuracy"] - table["balanced_accuracy"]).round(6).eq(0.1).all()


def test_every_table_of_results_says_whose_pairs_were_tested(weights: Path):
    captions = re.findall(r"<table[^>]*><caption[^>]*>(.*?)</caption>", read(weights))
    assert captions == 3 * ["Tested on pairs of scans of one person at two times."]
    assert "<th>pairs</th>" in read(weights).partition("<h2>Jobs</h2>")[2]


def test_kind_of_pairs_that_varies_is_a_column(job: MakeJob, tmp_path: Path):
    job(tmp_path, objective="mse")
    (job(tmp_path, objective="mse_wcl") / "notes.txt").write_text("Tested on the contrast of two zones of one person.")
    rows = told(tmp_path).partition("<h2>Jobs</h2>")[0]
    assert rows.count('<td class="factor">two zones of one person</td>') == 1
    assert rows.count('<td class="factor">one person at two times</td>') == 1


def test_without_validation_there_is_no_such_column(job: MakeJob, tmp_path: Path):
    for objective in ("mse", "mse_wcl"):
        (job(tmp_path, objective=objective) / "metrics.csv").unlink()
    text = told(tmp_path)
    assert "must be chosen on validation subjects" in text
    assert "validation:" not in text and "validation column" not in text


def test_the_same_folder_gives_the_same_report(weights: Path):
    assert read(weights) == told(weights)


def test_three_seeds_are_not_called_lucky(job: MakeJob, tmp_path: Path):
    for seed in range(3):
        job(tmp_path, seed=seed)
    assert "lucky" not in told(tmp_path)


def test_folds_are_pooled_and_said_to_be(job: MakeJob, tmp_path: Path):
    for fold in range(5):
        job(tmp_path, subjects=8, cohort__fold=fold)
    text = told(tmp_path)
    assert "1 seed, 5 folds, 40 subjects" in text
    assert "answers of all folds are put together and measured once" in text


def test_a_job_whose_class_is_of_one_subject_has_no_row(job: MakeJob, tmp_path: Path):
    job(tmp_path, objective="mse")
    lonely = job(tmp_path, objective="mse_wcl")
    answers = pd.read_csv(lonely / "answers.csv")
    answers.assign(change=(answers.index == 0) * 2).to_csv(lonely / "answers.csv", index=False)
    sweep = evaluate_sweep(tmp_path)
    assert [line.cell.values["objective"] for line in sweep.lines] == ["MSE"]
    assert sweep.unmeasured == 1


def test_report_says_how_intervals_came_about(job: MakeJob, tmp_path: Path):
    for objective in ("mse", "mse_wcl"):
        job(tmp_path, subjects=9, objective=objective)
    assert "the standard error of the jackknife" in told(tmp_path)


def test_sweep_of_contrastive_runs_is_told_by_retrieval(contrastive_job: Callable[..., Path], tmp_path: Path):
    for encoder, top1 in (("tsm_resnet18", 0.6), ("vit", 0.5)):
        contrastive_job(tmp_path, top1, range(3), encoder=encoder)
    text = told(tmp_path)
    assert "Same-subject retrieval, top-1" in text
    assert "0.600 to 0.620" in text
    assert "validation: Same-subject retrieval, top-1" in text and "<caption" not in text
    assert "<h2>Differences</h2>" not in text


def test_sweep_without_a_finished_job_has_a_report(tmp_path: Path):
    assert "No job has it yet." in told(tmp_path)
    assert (tmp_path / "sweep.csv").read_text().strip() == "job"
