from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.differences import compared_pairs, differences, primary_pair, searched
from clinimcl.evaluation.sweep.groups import Cell, cells_of
from clinimcl.evaluation.sweep.jobs import read_jobs

MakeJob = Callable[..., Path]


def cells(sweep: Path) -> list[Cell]:
    return cells_of(read_jobs(sweep).done)[0]


def test_known_difference_is_found_paired_by_seed(job: MakeJob, tmp_path: Path):
    for seed in range(3):
        job(tmp_path, 0.5, objective="mse", seed=seed)
        job(tmp_path, 0.8, objective="mse_wcl", seed=seed, number=1)
    job(tmp_path, 0.5, objective="mse", seed=3)
    (found,) = differences(cells(tmp_path))
    assert isinstance(found.outcome, Metric)
    assert found.outcome.low < 0.3 < found.outcome.high
    assert (found.primary, found.seeds, found.p == found.adjusted) == (True, 3, True)
    assert found.p < 0.01


def test_the_same_answers_do_not_differ(job: MakeJob, tmp_path: Path):
    job(tmp_path, objective="mse", seed=0)
    job(tmp_path, objective="mse_wcl", seed=0)
    (found,) = differences(cells(tmp_path))
    assert isinstance(found.outcome, Metric)
    assert (found.outcome.value, found.p) == (0.0, 1.0)
    assert found.outcome.low < 0 < found.outcome.high


def test_holm_is_over_all_comparisons_but_the_primary_one(job: MakeJob, tmp_path: Path):
    for number, objective in enumerate(("mse", "mse_cl", "mse_wcl")):
        for combine in ("difference", "concatenation"):
            job(tmp_path, 0.55 + 0.07 * number, objective=objective, classifier__combine=combine, number=number)
    found = differences(cells(tmp_path))
    assert [own.primary for own in found] == [True] + 8 * [False]
    assert Counter(own.factor for own in found[1:]) == {"objective": 5, "combine": 3}
    assert found[0].adjusted == found[0].p
    assert [own.p for own in found[1:]] == sorted(own.p for own in found[1:])
    assert found[1].adjusted == pytest.approx(min(1.0, 8 * found[1].p))
    assert found[2].adjusted == pytest.approx(min(1.0, max(8 * found[1].p, 7 * found[2].p)))


def test_cells_that_were_asked_something_else_are_not_compared(job: MakeJob, tmp_path: Path):
    job(tmp_path, objective="mse", seed=0)
    path = job(tmp_path, objective="mse_wcl", seed=0) / "answers.csv"
    answers = pd.read_csv(path)
    answers.assign(change=2 - answers["change"]).to_csv(path)
    assert differences(cells(tmp_path)) == []


def test_objective_without_contrast_is_compared_at_every_weight(job: MakeJob, tmp_path: Path):
    job(tmp_path, objective="mse")
    for weight in (0.5, 0.9):
        job(tmp_path, objective="mse_wcl", objective__mse_weight=weight)
    own = cells(tmp_path)
    assert sorted(factor for factor, _, _ in compared_pairs(own)) == ["objective", "objective", "λ"]
    primary = primary_pair(own)
    assert primary is not None
    assert primary[0].values["λ"] == "0.9"


def test_primary_comparison_is_of_one_encoder_alone(job: MakeJob, tmp_path: Path):
    for objective in ("mse", "mse_wcl"):
        job(tmp_path, encoder="vit", objective=objective)
    assert primary_pair(cells(tmp_path)) is None


def test_many_values_are_searched_not_compared(job: MakeJob, tmp_path: Path):
    for step in range(1, 10):
        job(tmp_path, optimizer__lr=0.1 * step)
    assert searched(cells(tmp_path)) == ["optimizer.lr"]
    assert differences(cells(tmp_path)) == []
