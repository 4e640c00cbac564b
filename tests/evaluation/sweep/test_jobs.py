import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from clinimcl.evaluation.sweep.jobs import read_answers, read_jobs

MakeJob = Callable[..., Path]


def test_jobs_that_are_not_done_are_counted(job: MakeJob, tmp_path: Path):
    for number, status in enumerate(("failed", "running", "done")):
        (job(tmp_path, number=number) / "status.json").write_text(f'{{"status": "{status}"}}')
    jobs = read_jobs(tmp_path)
    assert (len(jobs.done), jobs.failed, jobs.unfinished, jobs.unreadable) == (1, 1, 1, 0)


@pytest.mark.parametrize("name", ["config.yaml", "evaluation.json", "answers.csv"])
def test_job_that_cannot_be_read_is_skipped_and_counted(job: MakeJob, tmp_path: Path, name: str):
    job(tmp_path, number=1)
    (job(tmp_path, number=2) / name).write_text("[")
    jobs = read_jobs(tmp_path)
    assert (len(jobs.done), jobs.unreadable) == (1, 1)


def test_groups_beside_the_metrics_are_none_of_them(job: MakeJob, tmp_path: Path):
    path = job(tmp_path) / "evaluation.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps(entries | {"groups": {"headlines": {}}}))
    assert set(read_jobs(tmp_path).done[0].metrics) == set(entries)


def test_shared_pretraining_and_figures_are_no_jobs(job: MakeJob, tmp_path: Path):
    job(tmp_path)
    for name in ("pretrained", "figures", ".submitit"):
        job(tmp_path, seed=1).rename(tmp_path / name)
    jobs = read_jobs(tmp_path)
    assert (len(jobs.done), jobs.unfinished) == (1, 0)


def test_overrides_have_a_file_of_their_own_or_stand_in_the_settings(job: MakeJob, tmp_path: Path):
    job(tmp_path, number=1, seed=3)
    (job(tmp_path, number=2, seed=3) / "overrides.yaml").write_text("['seed=4', '+a.b=x=y']")
    assert [own.overrides for own in read_jobs(tmp_path).done] == [{"seed": "3"}, {"seed": "4", "a.b": "x=y"}]


def test_validation_is_of_the_epoch_that_was_kept(job: MakeJob, tmp_path: Path):
    folder = job(tmp_path)
    curves = {"change/selection": [None, -3, -1, -2], "change/validation_balanced_accuracy": [None, 0.5, 0.6, 0.9]}
    pd.DataFrame(curves).to_csv(folder / "metrics.csv")
    pd.DataFrame({"validation/mse": [0.4, 0.2], "validation/selection": [-0.4, -0.2]}).to_csv(
        folder / "pretraining.csv"
    )
    (own,) = read_jobs(tmp_path).done
    assert own.validation == {"validation_balanced_accuracy": 0.6, "validation_mse": 0.2}


def test_job_without_curves_has_no_validation(job: MakeJob, tmp_path: Path):
    (job(tmp_path) / "metrics.csv").unlink()
    assert read_jobs(tmp_path).done[0].validation == {}


def test_answers_of_a_class_that_does_not_exist_are_refused(tmp_path: Path):
    row = {"subject": 0, "other": 0, "change": 3, "answered": 0, "p0": 1.0, "p1": 0.0, "p2": 0.0}
    pd.DataFrame([row]).to_csv(tmp_path / "answers.csv")
    with pytest.raises(ValueError, match="classes 0 to 2"):
        read_answers(tmp_path / "answers.csv")
