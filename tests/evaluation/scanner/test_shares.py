"""Figure by simulation: the shares are near the truth, and the intervals hold it as often as they say."""

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.scanner.design import Design, design_of
from clinimcl.evaluation.scanner.shares import KINDS, measure_shares
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.phantoms.embeddings import Sampling, Shares, sample_embeddings, sample_scans

SHARES = Shares(0.5, 0.2, 0.1, 0.2)
SAMPLING = Sampling(subjects=40, visits=2, travelling=12, scanners=3)
TRUTH = {"share_subject": 0.5, "share_scanner": 0.2, "share_time": 0.1, "share_rest": 0.2}
ICC = {"icc": 0.5 / 0.8, "icc_visit": 0.6 / 0.8}


def scans(seed: int = 0, sampling: Sampling = SAMPLING) -> pd.DataFrame:
    return sample_scans(sampling, np.random.default_rng(seed))


def measured(table: pd.DataFrame, seed: int = 0) -> dict[str, Metric | Absent]:
    design = design_of(table)
    vectors = sample_embeddings(table, SHARES, 32, np.random.default_rng([1, seed]))
    rows = vectors[design.rows] if isinstance(design, Design) else vectors
    return measure_shares(rows, design)


@pytest.fixture(scope="module")
def trials() -> list[dict[str, Metric | Absent]]:
    return [measured(scans(seed), seed) for seed in range(100)]


@pytest.mark.parametrize(("name", "truth"), TRUTH.items())
def test_shares_lie_within_five_hundredths_of_the_truth(trials, name: str, truth: float):
    errors = [abs(trial[name].value - truth) for trial in trials]
    assert np.mean([error < 0.05 for error in errors]) >= 0.95


@pytest.mark.parametrize(("name", "truth"), (TRUTH | ICC).items())
def test_intervals_hold_the_truth_in_ninety_five_of_a_hundred_trials(trials, name: str, truth: float):
    held = [trial[name].low <= truth <= trial[name].high for trial in trials]
    assert np.mean(held) >= 0.89  # 95 % less three standard errors of a hundred trials


def test_the_shares_add_up_to_one(trials):
    assert sum(trials[0][name].value for name in TRUTH) == pytest.approx(1)


def test_a_share_below_nothing_is_nothing_and_its_interval_begins_there():
    table = scans()
    vectors = sample_embeddings(table, Shares(0.8, 0.0, 0.0, 0.2), 8, np.random.default_rng(4))
    design = design_of(table)
    shares = measure_shares(vectors[design.rows], design)
    assert min(shares["share_time"].value, shares["share_scanner"].value) == 0
    assert min(shares["share_time"].low, shares["share_scanner"].low) == 0


def test_without_repeats_everything_is_absent_with_the_reason():
    shares = measured(scans(sampling=Sampling(20, 1, 0, 3)))
    assert set(shares) == set(KINDS)
    assert all("no subject has two scans" in share.reason for share in shares.values())


def test_too_few_repeats_are_counted():
    shares = measured(scans(sampling=Sampling(20, 1, 2, 3)))
    assert "only 2 subjects have two scans" in shares["icc"].reason


def test_on_one_scanner_its_share_alone_is_absent():
    table = scans()
    vectors = sample_embeddings(table, SHARES, 8, np.random.default_rng(0))
    design = design_of(table.assign(scanner="S0"))
    shares = measure_shares(vectors[design.rows], design)
    absent = [name for name, share in shares.items() if isinstance(share, Absent)]
    assert absent == ["share_scanner"]


def test_with_single_visits_time_is_said_to_be_in_the_subjects_share():
    shares = measured(scans(sampling=Sampling(20, 1, 12, 3)))
    assert "no subject has two visits" in shares["share_time"].reason
    assert shares["icc"].value == shares["icc_visit"].value


def test_without_two_scans_of_a_visit_time_is_said_to_be_in_the_rest():
    shares = measured(scans(sampling=Sampling(40, 2, 0, 3)))
    assert "which holds both" in shares["share_time"].reason
    assert shares["icc_visit"].reason == "no visit has two scans"


def test_a_share_that_hangs_on_one_subject_is_absent():
    shares = measured(scans(sampling=Sampling(20, 2, 2, 3)))
    assert "without that subject" in shares["share_rest"].reason


def test_repeats_of_one_subject_alone_tell_no_scanners_from_the_rest():
    shares = measured(scans(sampling=Sampling(20, 2, 1, 3)))
    assert "too few scans are repeated" in shares["share_rest"].reason


def test_embeddings_that_are_all_the_same_have_no_shares():
    design = design_of(scans())
    shares = measure_shares(np.ones((len(design.rows), 4)), design)
    assert shares["share_subject"] == Absent("all embeddings are the same")
