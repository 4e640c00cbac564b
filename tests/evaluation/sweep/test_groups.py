import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.statistics.confusion import accuracy
from clinimcl.evaluation.sweep.differences import class_mean
from clinimcl.evaluation.sweep.groups import cells_of, pool
from clinimcl.evaluation.sweep.jobs import read_jobs

MakeJob = Callable[..., Path]


def table(change: list[int], answered: list[int], subject: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"subject": subject, "other": subject, "change": change, "answered": answered})


def test_jobs_that_differ_by_seed_and_fold_share_a_cell(job: MakeJob, tmp_path: Path):
    for seed in range(2):
        for fold in range(2):
            job(tmp_path, objective="mse", seed=seed, cohort__fold=fold)
    job(tmp_path, objective="mse_cl", seed=0, cohort__fold=0)
    cells, left_out = cells_of(read_jobs(tmp_path).done)
    assert [cell.values["objective"] for cell in cells] == ["MSE", "MSE + CL"]
    assert list(cells[0].jobs) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert left_out == 0


def test_repeated_job_and_one_of_other_subjects_are_left_out(job: MakeJob, tmp_path: Path):
    for seed in range(3):
        job(tmp_path, seed=seed)
    job(tmp_path, seed=0, number=1)
    (job(tmp_path, seed=3) / "splits.json").write_text(json.dumps({"salt": "ab", "subjects": {"LUS99": "test"}}))
    cells, left_out = cells_of(read_jobs(tmp_path).done)
    assert cells[0].seeds == [0, 1, 2]
    assert left_out == 2


def test_jobs_that_tested_pairs_of_other_kinds_do_not_share_a_cell(job: MakeJob, tmp_path: Path):
    job(tmp_path, cohort__fold=0)
    (job(tmp_path, cohort__fold=1) / "notes.txt").write_text("Tested on held-out pairs of two different people.")
    cells, left_out = cells_of(read_jobs(tmp_path).done)
    assert [cell.values["pairs"] for cell in cells] == ["one person at two times", "two different people"]
    assert left_out == 0


def test_seeds_are_averaged():
    right, wrong = table([0, 1, 2, 0], [0, 1, 2, 0], [0, 0, 1, 1]), table([0, 1, 2, 0], [1, 1, 1, 1], [0, 0, 1, 1])
    pooled = pool({(0, -1): right, (1, -1): wrong})
    assert pooled.by_seed(class_mean) == pytest.approx([1.0, 1 / 3])
    assert pooled.averaged(class_mean).whole[0] == pytest.approx(2 / 3)


def test_folds_are_measured_together_and_their_subjects_kept_apart():
    first, second = table([0, 0, 1], [0, 0, 0], [0, 0, 1]), table([1, 2, 2], [1, 2, 0], [0, 1, 1])
    pooled = pool({(0, 0): first, (0, 1): second})
    assert pooled.confusions.whole[0, 0].tolist() == [[2, 0, 0], [1, 1, 0], [1, 0, 1]]
    assert len(pooled.confusions.left_out) == 4
    assert pooled.averaged(class_mean).whole[0] == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)


def test_leaving_a_subject_out_is_the_test_without_it():
    rng = np.random.default_rng(0)
    change, answered, subject = rng.integers(3, size=(3, 30)) * np.array([[1], [1], [3]])
    own = table(change.tolist(), answered.tolist(), subject.tolist())
    left_out = pool({(0, -1): own}).averaged(lambda stack, _: accuracy(stack)).left_out
    for place, number in enumerate(np.unique(subject)):
        kept = subject != number
        assert left_out[place] == pytest.approx((change == answered)[kept].mean())


def test_both_people_of_a_pair_weigh_it():
    own = table([0, 1, 2], [0, 1, 2], [0, 0, 1]).assign(other=[1, 0, 1])
    assert pool({(0, -1): own}).confusions.left_out.sum(axis=(1, 2, 3)).tolist() == [1, 1]
